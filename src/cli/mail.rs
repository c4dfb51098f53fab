//! `rekey mail test`.

use clap::Subcommand;
use serde_json::json;

use super::failure::Failure;
use super::output::Output;
use crate::app;
use crate::clock::Clock;
use crate::config::Config;
use crate::crypto::Random;
use crate::domain::address::EmailAddress;
use crate::mail::{self, Reason, Verdict};
use crate::workflow::deliver;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Sends a test letter and says what the mail server made of it.
    Test {
        /// Where to.
        address: String,
    },
}

pub(super) async fn run(config: &Config, command: Command, output: &Output) -> Result<(), Failure> {
    let Command::Test { address } = command;
    let to = EmailAddress::parse(&address)
        .ok_or_else(|| Failure::Usage("this is no mail address: write it like ada@example.com".to_owned()))?;
    let mailer = app::mailer(config).map_err(|error| Failure::of(&error))?;
    let sender = deliver::sender(config);
    let drawn = u128::from_be_bytes(*Random::system().bytes::<16>());
    let id = mail::message_id(&format!("{drawn:032x}"), &sender).map_err(|error| Failure::of(&error))?;
    let message =
        mail::trial(to.as_str(), &id, Clock::system().now(), &sender).map_err(|error| Failure::of(&error))?;
    match mailer.send(&message).await {
        Verdict::Accepted => {
            let said = format!("the mail server has accepted the letter to {}", to.as_str());
            output.print(&json!({ "result": "accepted", "to": to.as_str(), "message_id": id }), &said);
            Ok(())
        }
        Verdict::Deferred(reason) => Err(refused(output, "deferred", &reason)),
        Verdict::Bounced(reason) => Err(refused(output, "bounced", &reason)),
    }
}

fn refused(output: &Output, result: &str, reason: &Reason) -> Failure {
    let json = json!({ "result": result, "code": reason.code, "reason": reason.text });
    output.print(&json, &format!("the letter was not accepted ({result})"));
    Failure::Failed(reason.text.clone())
}
