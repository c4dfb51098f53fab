//! Typed columns, times, bytes: what goes in comes out, on both databases.

use diesel::prelude::*;

use super::super::Error;
use super::super::conn::on_both;
use super::{both, run};
use crate::domain::Time;
use crate::domain::ids::{AccountId, TicketId};

diesel::table! {
    papers (id) {
        id -> Text,
        account -> Nullable<Text>,
        stamped_at -> Timestamp,
        sealed -> Nullable<Binary>,
        open -> Bool,
        step -> BigInt,
    }
}

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = papers, treat_none_as_default_value = false)]
struct Paper {
    id: TicketId,
    account: Option<AccountId>,
    stamped_at: Time,
    sealed: Option<Vec<u8>>,
    open: bool,
    step: i64,
}

const TABLE: &str = "CREATE TABLE papers (id TEXT PRIMARY KEY, account TEXT, stamped_at TIMESTAMP NOT NULL,
    sealed BYTEA, open BOOLEAN NOT NULL, step BIGINT NOT NULL)";

fn paper(id: &str, account: Option<&str>) -> Paper {
    Paper {
        id: TicketId::new(id),
        account: account.map(AccountId::new),
        stamped_at: chrono::DateTime::from_timestamp(1_793_620_799, 0).unwrap().naive_utc(),
        sealed: account.map(|_| vec![0, 255, 39, 0]),
        open: account.is_some(),
        step: i64::MAX,
    }
}

#[tokio::test]
async fn typed_rows_come_back_as_they_went_in() {
    for fresh in both() {
        run(&fresh.db, TABLE).await.unwrap();
        let (full, empty) = (paper("1", Some("o'brien\u{202e}é")), paper("2", None));
        let expected = (full.clone(), empty.clone());
        let came_back = fresh
            .db
            .write::<_, Error, _>(move |conn| {
                let back: Paper = diesel::insert_into(papers::table)
                    .values(full.clone())
                    .returning(papers::all_columns)
                    .get_result(conn)?;
                diesel::insert_into(papers::table).values(&empty).execute(conn)?;
                Ok((back, papers::table.find(&empty.id).select(Paper::as_select()).first(conn)?))
            })
            .await
            .unwrap();
        assert_eq!(came_back, expected);
    }
}

#[tokio::test]
async fn filters_and_changes_take_the_types_owned_and_borrowed() {
    for fresh in both() {
        run(&fresh.db, TABLE).await.unwrap();
        let one = paper("1", Some("ada"));
        let found: Vec<TicketId> = fresh
            .db
            .write::<_, Error, _>(move |conn| {
                diesel::insert_into(papers::table).values(&one).execute(conn)?;
                let ada = AccountId::new("ada");
                diesel::update(papers::table.filter(papers::account.eq(&ada)))
                    .set((
                        papers::account.eq(Some(AccountId::new("bob"))),
                        papers::stamped_at.eq(one.stamped_at),
                    ))
                    .execute(conn)?;
                let ids = [TicketId::new("1"), TicketId::new("9")];
                Ok(papers::table
                    .filter(papers::account.eq(AccountId::new("bob")))
                    .filter(papers::id.eq_any(&ids))
                    .filter(papers::id.eq_any(ids.to_vec()))
                    .filter(papers::stamped_at.le(one.stamped_at))
                    .select(papers::id)
                    .load(conn)?)
            })
            .await
            .unwrap();
        assert_eq!(found, [TicketId::new("1")]);
    }
}

#[tokio::test]
async fn what_does_not_parse_is_an_error() {
    /// Knows one word.
    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Word {
        Known,
    }
    impl Word {
        fn as_str(self) -> &'static str {
            match self {
                Self::Known => "known",
            }
        }
        fn parse(text: &str) -> Option<Self> {
            (text == "known").then_some(Self::Known)
        }
    }
    text_columns!(Word);
    for fresh in both() {
        run(&fresh.db, TABLE).await.unwrap();
        run(&fresh.db, "INSERT INTO papers VALUES ('canary', 'known', '2026-11-02 12:00:00', NULL, TRUE, 0)")
            .await
            .unwrap();
        let known: Option<Word> = fresh
            .db
            .read::<_, Error, _>(|conn| {
                Ok(papers::table
                    .filter(papers::account.eq(Word::Known))
                    .select(papers::account)
                    .first(conn)?)
            })
            .await
            .unwrap();
        assert_eq!(known, Some(Word::Known));
        let unknown = fresh
            .db
            .read::<Word, Error, _>(|conn| Ok(papers::table.select(papers::id).first(conn)?))
            .await
            .unwrap_err();
        let said = format!("{unknown:?}");
        assert!(said.contains("not a Word") && !said.contains("canary"), "{said}");
    }
}

#[tokio::test]
async fn upserts_go_through_the_driver_s_own_connection() {
    for fresh in both() {
        run(&fresh.db, TABLE).await.unwrap();
        let rows = [paper("1", Some("ada")), paper("2", None)];
        let counted: i64 = fresh
            .db
            .write::<_, Error, _>(move |conn| {
                for _ in 0..2 {
                    on_both!(conn, conn => diesel::insert_into(papers::table)
                        .values(rows.to_vec())
                        .on_conflict(papers::id)
                        .do_nothing()
                        .execute(conn))?;
                }
                Ok(papers::table.count().get_result(conn)?)
            })
            .await
            .unwrap();
        assert_eq!(counted, 2);
    }
}
