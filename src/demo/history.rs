//! The weeks before the story: tickets that ended long ago, so that the overview has something to show.
//!
//! The rule: nobody twice within a week, and nothing that would raise a tier in the days that the visitor sees.

use chrono::TimeDelta;
use secrecy::ExposeSecret;

use super::DemoError;
use super::stage::Stage;
use super::story::{renewed, taken};
use crate::domain::ticket::Problem;
use crate::workflow::{requester, review};

enum Fate {
    Renewed,
    Solved,
    Withdrawn,
    Rejected,
}

/// How many days ago, who, how long they waited for an agent in minutes, and how it ended.
const PAST: [(i64, &str, u64, Fate); 16] = [
    (27, "grace", 45, Fate::Renewed),
    (26, "dorothy", 130, Fate::Solved),
    (25, "alan", 20, Fate::Renewed),
    (25, "mary", 75, Fate::Solved),
    (23, "annie", 35, Fate::Rejected),
    (22, "hedy", 160, Fate::Renewed),
    (20, "rosalind", 55, Fate::Renewed),
    (19, "katherine", 25, Fate::Solved),
    (19, "charles", 90, Fate::Renewed),
    (18, "konrad", 110, Fate::Withdrawn),
    (16, "grace", 30, Fate::Solved),
    (15, "dorothy", 65, Fate::Renewed),
    (13, "alan", 15, Fate::Solved),
    (12, "mary", 200, Fate::Rejected),
    (11, "annie", 40, Fate::Renewed),
    (11, "rosalind", 50, Fate::Withdrawn),
];

/// Plays them all. Their letters were read and thrown away.
pub(super) async fn play(stage: &mut Stage) -> Result<(), DemoError> {
    for (days, who, minutes, fate) in PAST {
        stage.at(TimeDelta::days(days));
        let text = "My codes are refused.";
        let asked = stage.ask_and_confirm(who, Problem::NotSetUpCorrectly, text).await?;
        stage.wait(60 * minutes);
        if let Fate::Withdrawn = fate {
            requester::withdraw(&stage.ctx, &asked.reference, asked.token.expose_secret()).await?;
            continue;
        }
        let by = taken(stage, "agent2", &asked).await?;
        match fate {
            Fate::Renewed => renewed(stage, &by, &asked).await?,
            Fate::Rejected => {
                review::reject(&stage.ctx, &by.acting(), &asked.reference, "Not recognised on the call.")
                    .await?;
            }
            _ => review::close(&stage.ctx, &by.acting(), &asked.reference, "solved").await?,
        }
    }
    stage.tick().await?;
    drop(stage.mailbox.take());
    Ok(())
}
