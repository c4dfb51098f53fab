//! Domain types as TEXT columns, so that rows and filters hold the types themselves.
//!
//! The rule: what a type does not `parse` does not come out of the database; it is an error.

use super::tokens;
use crate::domain::{account, actor, authenticator, evidence, ids, policy, risk, ticket};

macro_rules! text_expressions {
    ($name:ty, $sql:ty) => {
        impl diesel::expression::AsExpression<$sql> for $name {
            type Expression = diesel::internal::derives::as_expression::Bound<$sql, Self>;

            fn as_expression(self) -> Self::Expression {
                diesel::internal::derives::as_expression::Bound::new(self)
            }
        }

        impl diesel::expression::AsExpression<$sql> for &$name {
            type Expression = diesel::internal::derives::as_expression::Bound<$sql, Self>;

            fn as_expression(self) -> Self::Expression {
                diesel::internal::derives::as_expression::Bound::new(self)
            }
        }

        impl diesel::expression::AsExpression<$sql> for &&$name {
            type Expression = diesel::internal::derives::as_expression::Bound<$sql, Self>;

            fn as_expression(self) -> Self::Expression {
                diesel::internal::derives::as_expression::Bound::new(self)
            }
        }
    };
}

/// Gives each type, which has `as_str` and `parse(&str) -> Option<Self>`, what diesel needs to
/// read and write it as TEXT on both databases, `Option` included.
macro_rules! text_columns {
    ($($name:ty),* $(,)?) => {$(
        impl<DB> diesel::serialize::ToSql<diesel::sql_types::Text, DB> for $name
        where
            DB: diesel::backend::Backend,
            str: diesel::serialize::ToSql<diesel::sql_types::Text, DB>,
        {
            fn to_sql<'b>(
                &'b self,
                out: &mut diesel::serialize::Output<'b, '_, DB>,
            ) -> diesel::serialize::Result {
                diesel::serialize::ToSql::<diesel::sql_types::Text, DB>::to_sql(self.as_str(), out)
            }
        }

        impl<DB> diesel::serialize::ToSql<diesel::sql_types::Nullable<diesel::sql_types::Text>, DB> for $name
        where
            DB: diesel::backend::Backend,
            str: diesel::serialize::ToSql<diesel::sql_types::Text, DB>,
        {
            fn to_sql<'b>(
                &'b self,
                out: &mut diesel::serialize::Output<'b, '_, DB>,
            ) -> diesel::serialize::Result {
                diesel::serialize::ToSql::<diesel::sql_types::Text, DB>::to_sql(self.as_str(), out)
            }
        }

        impl<DB> diesel::deserialize::FromSql<diesel::sql_types::Text, DB> for $name
        where
            DB: diesel::backend::Backend,
            String: diesel::deserialize::FromSql<diesel::sql_types::Text, DB>,
        {
            fn from_sql(raw: DB::RawValue<'_>) -> diesel::deserialize::Result<Self> {
                let text = <String as diesel::deserialize::FromSql<diesel::sql_types::Text, DB>>::from_sql(raw)?;
                // The value is not repeated: errors are logged.
                <$name>::parse(&text).ok_or_else(|| concat!("not a ", stringify!($name)).into())
            }
        }

        impl<DB, ST> diesel::deserialize::Queryable<ST, DB> for $name
        where
            DB: diesel::backend::Backend,
            ST: diesel::sql_types::SingleValue,
            Self: diesel::deserialize::FromSql<ST, DB>,
        {
            type Row = Self;

            fn build(row: Self) -> diesel::deserialize::Result<Self> {
                Ok(row)
            }
        }

        impl $crate::db::rows::Field for $name {
            fn write(&self, out: &mut Vec<u8>) {
                $crate::db::rows::Field::write(self.as_str(), out);
            }
        }

        text_expressions!($name, diesel::sql_types::Text);
        text_expressions!($name, diesel::sql_types::Nullable<diesel::sql_types::Text>);
    )*};
}

text_columns!(
    ids::TicketId,
    ids::Reference,
    ids::AccountId,
    ids::AuthenticatorId,
    ids::StaffId,
    ids::SessionId,
    ids::ClientId,
    ids::LetterId,
    ids::EvidenceId,
    ids::EntryId,
    account::TwoFactor,
    actor::Roles,
    authenticator::Algorithm,
    authenticator::AuthenticatorState,
    authenticator::Origin,
    evidence::Method,
    evidence::Outcome,
    policy::Tier,
    risk::Risk,
    ticket::Bearer,
    ticket::CloseReason,
    ticket::MessageKind,
    ticket::Problem,
    ticket::State,
    tokens::Kind,
);
