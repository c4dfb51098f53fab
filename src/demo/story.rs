//! The days before the visitor comes in: a ticket in every state, told by the people it belongs to.
//!
//! The rule: in the order of time, for the clock only comes forward.

use chrono::TimeDelta;
use secrecy::ExposeSecret;

use super::DemoError;
use super::cast;
use super::history;
use super::key::Key;
use super::stage::{Asked, Stage};
use crate::domain::evidence::{Method, Outcome};
use crate::domain::ticket::Problem;
use crate::mail::{Reason, Verdict};
use crate::workflow::activate::{self, Attempt};
use crate::workflow::session::StaffSession;
use crate::workflow::verify::{self, PinWish, Verification};
use crate::workflow::{accounts, approve, diagnose, freeze, requester, review};

/// A ticket that the visitor finds, and what there is to see.
pub(super) struct Scene {
    pub(super) name: &'static str,
    pub(super) reference: String,
    pub(super) what: &'static str,
    /// What was read out on the call, where a PIN was made and the key still waits.
    pub(super) pin: Option<String>,
}

type Told = Result<Scene, DemoError>;

fn scene(asked: &Asked, what: &'static str) -> Scene {
    let name = cast::find(asked.who).map_or(asked.who, |person| person.name);
    Scene { name, reference: asked.reference.clone(), what, pin: None }
}

/// Plays everything, and leaves the clock at the present.
pub(super) async fn play(stage: &mut Stage) -> Result<Vec<Scene>, DemoError> {
    stage.begin(TimeDelta::days(28));
    stage.enrol_people().await?;
    stage.hire().await?;
    history::play(stage).await?;
    stage.at(TimeDelta::days(6));
    renumber(stage, "katherine").await?;
    let mut past = vec![completed(stage).await?, rejected(stage).await?, solved(stage).await?];
    past.push(frozen(stage).await?);
    let waiting = waiting(stage).await?;
    let held = held(stage).await?;
    let stolen = half_approved(stage).await?;
    let sent = sent(stage).await?;
    let bounced = bounced(stage).await?;
    let doubled = doubled(stage).await?;
    let vouched = half_verified(stage).await?;
    let open = open(stage).await?;
    let own = of_staff(stage).await?;
    let unconfirmed = unconfirmed(stage).await?;
    stage.finish();
    let mut scenes = vec![open, unconfirmed, own, vouched, doubled, bounced, waiting, stolen, held, sent];
    scenes.append(&mut past);
    Ok(scenes)
}

/// The host says that the number is another.
async fn renumber(stage: &Stage, who: &'static str) -> Result<(), DemoError> {
    let person = cast::find(who).ok_or(DemoError::Story("there is no such person"))?;
    let mut facts = person.facts();
    facts.phone = Some("+1 202 555 0195".to_owned());
    accounts::put(&stage.ctx, &stage.host, person.id, facts).await?;
    Ok(())
}

/// A member of the staff takes the ticket.
pub(super) async fn taken(stage: &Stage, staff: &str, asked: &Asked) -> Result<StaffSession, DemoError> {
    stage.wait(240);
    let by = stage.acting(staff).await?;
    review::claim(&stage.ctx, &by.acting(), &asked.reference, None).await?;
    stage.wait(120);
    Ok(by)
}

async fn passed(
    stage: &Stage,
    by: &StaffSession,
    asked: &Asked,
    method: Method,
    note: &str,
) -> Result<(), DemoError> {
    stage.wait(180);
    let passed = Verification { method, outcome: Outcome::Passed, note: note.to_owned(), pin: PinWish::None };
    verify::evidence(&stage.ctx, &by.acting(), &asked.reference, passed).await?;
    Ok(())
}

async fn pin(stage: &Stage, by: &StaffSession, asked: &Asked) -> Result<String, DemoError> {
    Ok(verify::make_pin(&stage.ctx, &by.acting(), &asked.reference).await?.expose_secret().to_owned())
}

async fn approved(stage: &Stage, by: &StaffSession, asked: &Asked, reason: &str) -> Result<(), DemoError> {
    stage.wait(60);
    stage.step_up(by).await?;
    approve::approve(&stage.ctx, &by.acting(), &asked.reference, &cast::email(asked.who), reason).await?;
    stage.tick().await
}

async fn completed(stage: &mut Stage) -> Told {
    stage.at(TimeDelta::days(5));
    let text = "My phone fell into the harbour this morning. I have a new one with the same number.";
    let asked = stage.ask_and_confirm("hedy", Problem::LostDevice, text).await?;
    let by = taken(stage, "agent", &asked).await?;
    renewed(stage, &by, &asked).await?;
    Ok(scene(&asked, "Completed: she proved the new key, and the former one was revoked with it."))
}

/// Called on the number on file, approved, and the mailed key is proved.
pub(super) async fn renewed(stage: &mut Stage, by: &StaffSession, asked: &Asked) -> Result<(), DemoError> {
    let who = asked.who;
    passed(stage, by, asked, Method::Callback, "Called the number on file; they expected the call.").await?;
    let pin = pin(stage, by, asked).await?;
    approved(stage, by, asked, "Recognised on the call to the number on file.").await?;
    let key = stage.newest(who)?.alone(32, |c| matches!(c, 'A'..='Z' | '2'..='7'));
    let key = Key::read(&key.unwrap_or_default()).map_err(DemoError::Story)?;
    stage.wait(300);
    let attempt = Attempt { codes: vec![key.code(stage.ctx.now())], pin: Some(pin), ..Attempt::default() };
    activate::activate(&stage.ctx, &asked.reference, asked.token.expose_secret(), attempt).await?;
    stage.keys.insert(who, key);
    stage.tick().await
}

async fn rejected(stage: &Stage) -> Told {
    stage.at(TimeDelta::days(4));
    let text = "New phone, new number. Please send the key today, I am at the airport.";
    let asked = stage.ask_and_confirm("charles", Problem::NewDevice, text).await?;
    let by = taken(stage, "agent2", &asked).await?;
    let failed = Verification {
        method: Method::Callback,
        outcome: Outcome::Failed,
        note: "Whoever answered the number on file knew of no request.".to_owned(),
        pin: PinWish::None,
    };
    verify::evidence(&stage.ctx, &by.acting(), &asked.reference, failed).await?;
    stage.wait(60);
    review::reject(&stage.ctx, &by.acting(), &asked.reference, "Not recognised on the number on file.")
        .await?;
    stage.tick().await?;
    Ok(scene(
        &asked,
        "Rejected: the call to the number on file failed. His next ticket is privileged for a week.",
    ))
}

async fn solved(stage: &Stage) -> Told {
    stage.at(TimeDelta::days(3));
    let text = "Since the weekend every code is refused, on my phone and on my tablet.";
    let asked = stage.ask_and_confirm("rosalind", Problem::NotSetUpCorrectly, text).await?;
    stage.wait(120);
    let key = stage.keys.get("rosalind").ok_or(DemoError::Story("rosalind has no key"))?;
    let slow = stage.ctx.now() - TimeDelta::seconds(150);
    let codes = [key.code(slow), key.code(slow + TimeDelta::seconds(30))];
    let token = asked.token.expose_secret();
    diagnose::diagnose(&stage.ctx, &asked.reference, token, codes).await?;
    stage.wait(200);
    let thanks = "My phone's clock was slow. It works again, thank you!";
    requester::reply(&stage.ctx, &asked.reference, token, thanks.to_owned()).await?;
    let by = taken(stage, "agent", &asked).await?;
    review::close(&stage.ctx, &by.acting(), &asked.reference, "solved").await?;
    stage.tick().await?;
    Ok(scene(&asked, "Solved without a new key: two codes showed that the phone's clock was slow."))
}

async fn frozen(stage: &Stage) -> Told {
    stage.at(TimeDelta::days(2));
    let text = "I need this within ten minutes, my manager is waiting. You can reach me on my new number.";
    let asked = stage.ask_and_confirm("joan", Problem::NewDevice, text).await?;
    let stop = stage.newest("joan")?.after("/stop/").map(str::to_owned);
    let by = taken(stage, "agent2", &asked).await?;
    let hurry = "Called in twice and asked to be called on a number that is not on file.";
    review::flag(&stage.ctx, &by.acting(), &asked.reference, hurry).await?;
    stage.wait(900);
    let stop = stop.ok_or(DemoError::Story("the letter has no stop link"))?;
    freeze::stop(&stage.ctx, &stop).await?;
    stage.tick().await?;
    Ok(scene(
        &asked,
        "Frozen: the real Joan pressed “This wasn’t me” in her letter. An admin may let it go on.",
    ))
}

async fn waiting(stage: &Stage) -> Told {
    stage.at(TimeDelta::hours(30));
    let text = "It says that two-factor authentication is not set up correctly. I typed the key by hand.";
    let asked = stage.ask_and_confirm("emmy", Problem::NotSetUpCorrectly, text).await?;
    let by = taken(stage, "agent", &asked).await?;
    let question = "Which app do you use, and is your phone's clock set to automatic? Is there a second entry \
         named Example in the app?";
    review::ask(&stage.ctx, &by.acting(), &asked.reference, question).await?;
    stage.tick().await?;
    Ok(scene(&asked, "Waiting for her answer; the desk’s deadline stands still."))
}

async fn held(stage: &Stage) -> Told {
    stage.at(TimeDelta::hours(21));
    let text = "My phone was left on a train and has not come back.";
    let asked = stage.ask_and_confirm("lise", Problem::LostDevice, text).await?;
    let by = taken(stage, "agent2", &asked).await?;
    passed(stage, &by, &asked, Method::VideoWithId, "Passport compared on the call.").await?;
    passed(stage, &by, &asked, Method::Callback, "Called the number on file.").await?;
    let pin = pin(stage, &by, &asked).await?;
    approved(stage, &by, &asked, "Seen on video with passport, and reached on the number on file.").await?;
    let second = stage.acting("approver").await?;
    approved(stage, &second, &asked, "Evidence looked through; nothing is odd about it.").await?;
    let held = scene(
        &asked,
        "Approved by two, and held for a day: the key is made when the hold ends. Move the clock.",
    );
    Ok(Scene { pin: Some(pin), ..held })
}

async fn half_approved(stage: &Stage) -> Told {
    stage.at(TimeDelta::minutes(190));
    let text = "My phone was stolen last night. I have told the police.";
    let asked = stage.ask_and_confirm("margaret", Problem::StolenDevice, text).await?;
    let by = taken(stage, "agent", &asked).await?;
    passed(stage, &by, &asked, Method::InPerson, "At the counter, with her badge.").await?;
    passed(stage, &by, &asked, Method::Callback, "Her desk number, while she stood here.").await?;
    let pin = pin(stage, &by, &asked).await?;
    approved(stage, &by, &asked, "Seen in person with badge; phone reported stolen.").await?;
    let half =
        scene(&asked, "Privileged: one approval is there, another person’s is wanted. Sign in as approver.");
    Ok(Scene { pin: Some(pin), ..half })
}

async fn sent(stage: &Stage) -> Told {
    stage.at(TimeDelta::minutes(160));
    let text = "I bought a new phone and gave the old one away before I thought of the app.";
    let asked = stage.ask_and_confirm("dorothy", Problem::NewDevice, text).await?;
    let by = taken(stage, "agent", &asked).await?;
    passed(
        stage,
        &by,
        &asked,
        Method::Callback,
        "Reached on the number on file. No PIN: she signs in at once.",
    )
    .await?;
    approved(stage, &by, &asked, "Recognised on the call to the number on file.").await?;
    Ok(scene(&asked, "Key sent, no PIN made: her sign-in with password and first code makes the key live."))
}

async fn bounced(stage: &Stage) -> Told {
    stage.at(TimeDelta::minutes(135));
    let text = "Phone lost while moving house.";
    let asked = stage.ask_and_confirm("annie", Problem::LostDevice, text).await?;
    let by = taken(stage, "agent2", &asked).await?;
    passed(stage, &by, &asked, Method::Callback, "Reached on the number on file.").await?;
    pin(stage, &by, &asked).await?;
    let full = Reason::new("5.1.1 The mailbox does not exist").with_code(550);
    stage.mailbox.answer_next(Verdict::Bounced(full));
    approved(stage, &by, &asked, "Recognised on the call to the number on file.").await?;
    Ok(scene(&asked, "A delivery problem: the letter with the key came back, so the key is dead."))
}

async fn doubled(stage: &Stage) -> Told {
    stage.at(TimeDelta::minutes(115));
    let text = "My phone does not start any more.";
    let asked = stage.ask_and_confirm("mary", Problem::LostDevice, text).await?;
    taken(stage, "agent", &asked).await?;
    let other = "Please send me a new key, I have a new phone.";
    stage.ask_and_confirm("mary", Problem::NewDevice, other).await?;
    Ok(scene(
        &asked,
        "Two requests for one account: on the call, ask which is hers; until then nothing can be approved.",
    ))
}

async fn half_verified(stage: &Stage) -> Told {
    stage.at(TimeDelta::minutes(95));
    let text = "I changed my phone and my number last week and forgot about the codes.";
    let asked = stage.ask_and_confirm("katherine", Problem::NewDevice, text).await?;
    let by = taken(stage, "agent", &asked).await?;
    passed(stage, &by, &asked, Method::VideoWithId, "Driving licence compared on the call.").await?;
    verify::ask_vouch(&stage.ctx, &by.acting(), &asked.reference).await?;
    stage.tick().await?;
    Ok(scene(
        &asked,
        "Half verified: her number is new, so nobody may call it. Her manager Konrad has a letter and can vouch.",
    ))
}

async fn open(stage: &Stage) -> Told {
    stage.at(TimeDelta::minutes(70));
    let text = "I left my phone in a taxi. The number on file is my landline; you can call me there.";
    let asked = stage.ask_and_confirm("alan", Problem::LostDevice, text).await?;
    Ok(scene(&asked, "Open: nobody has taken it yet."))
}

async fn of_staff(stage: &Stage) -> Told {
    stage.at(TimeDelta::minutes(45));
    let text = "Me too, for once: new phone.";
    let asked = stage.ask_and_confirm("ida", Problem::NewDevice, text).await?;
    Ok(scene(&asked, "The account of the agent Ida herself: she cannot act on it, and it is privileged."))
}

async fn unconfirmed(stage: &Stage) -> Told {
    stage.at(TimeDelta::minutes(12));
    let asked = stage.ask("sofia", Problem::NotSetUpCorrectly, "The codes are refused.").await?;
    Ok(scene(
        &asked,
        "Unconfirmed: the code of the mailbox has not been typed. No phone, no manager on file.",
    ))
}
