//! Where the attacks of I and J begin: two replicas, calls that start at the same moment, tickets up to the last step.

use std::sync::Arc;

use rekey::workflow::accounts;
use serde_json::{Value, json};
use tokio::sync::Barrier;

use crate::support::actors::{Asker, Member, facts};
use crate::support::app::TestApp;
use crate::support::client::{Client, Reply, text};
use crate::support::database::Backend;

/// One program on SQLite, two on PostgreSQL; of each story many rounds.
pub(super) struct Pair {
    pub(super) app: TestApp,
    other: Option<TestApp>,
    /// How often a race is run: often where replicas can meet, seldom where one writer takes turns.
    pub(super) rounds: usize,
}

impl Pair {
    pub(super) async fn on(backend: Backend) -> Self {
        let many =
            [("REKEY__LIMITS__TICKETS_PER_HOUR", "10000"), ("REKEY__POLICY__APPROVALS_PER_HOUR", "10000")];
        Self::of(TestApp::start(backend, &many).await)
    }

    pub(super) fn of(app: TestApp) -> Self {
        let other = app.is_shared().then(|| app.replica());
        let rounds = if app.is_shared() { 100 } else { 10 };
        Self { app, other, rounds }
    }

    /// The door for the call of that number: the replicas take turns.
    pub(super) fn door(&self, number: usize) -> Client {
        self.replica(number).http.clone()
    }

    pub(super) fn replica(&self, number: usize) -> &TestApp {
        self.other.as_ref().filter(|_| number % 2 == 1).unwrap_or(&self.app)
    }

    /// The same POST so many times, at the same moment.
    pub(super) async fn flood(&self, times: usize, path: &str, token: &str, body: Value) -> Vec<Reply> {
        at_once((0..times).map(|number| self.post(number, path, token, body.clone()))).await
    }

    /// A POST to the replica whose turn it is.
    pub(super) fn post(
        &self,
        number: usize,
        path: &str,
        token: &str,
        body: Value,
    ) -> impl Future<Output = Reply> + use<> {
        let (door, path, token) = (self.door(number), path.to_owned(), token.to_owned());
        async move { door.post(&path, &token, body).await }
    }

    /// The workers of all replicas do what is due, at the same moment.
    pub(super) async fn tick(&self) {
        let of = |app: &TestApp| {
            let ctx = app.ctx.clone();
            async move { rekey::worker::tick(&ctx).await.unwrap() }
        };
        at_once([Some(&self.app), self.other.as_ref()].into_iter().flatten().map(of)).await;
    }
}

/// Starts all of them at the same moment, and returns their answers in the order of the calls.
pub(super) async fn at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    calls: impl IntoIterator<Item = F>,
) -> Vec<T> {
    let calls: Vec<F> = calls.into_iter().collect();
    let start = Arc::new(Barrier::new(calls.len()));
    let begin = |call: F| {
        let start = Arc::clone(&start);
        tokio::spawn(async move {
            start.wait().await;
            call.await
        })
    };
    let under_way: Vec<_> = calls.into_iter().map(begin).collect();
    let mut answers = Vec::new();
    for call in under_way {
        answers.push(call.await.unwrap());
    }
    answers
}

/// How many answers have this status, and hold this word.
pub(super) fn count(replies: &[Reply], status: u16, word: &str) -> usize {
    replies.iter().filter(|reply| reply.status == status && reply.text.contains(word)).count()
}

impl TestApp {
    /// The ticket of that many-th person, taken by the agent, who has called them.
    pub(super) async fn verified_ticket(&self, agent: &Member, number: usize) -> Asker {
        let (name, email) = (format!("p{number}"), format!("p{number}@example.com"));
        accounts::put(&self.ctx, &self.host, &name, facts(&email)).await.unwrap();
        let asker = self.asker(&email).await;
        self.desk(agent, &asker, "/claim", json!({})).await.expect(200);
        let called = json!({"method": "callback", "outcome": "passed", "note": "knew the voice"});
        self.desk(agent, &asker, "/evidence", called).await.expect(200);
        asker
    }

    /// The same, with a PIN and the key sent: ticket, PIN and key.
    pub(super) async fn sent_ticket(&self, agent: &Member, number: usize) -> (Asker, String, String) {
        let asker = self.verified_ticket(agent, number).await;
        let pin = text(&self.desk(agent, &asker, "/pin", json!({})).await.expect(200), "pin");
        self.approve(agent, &asker).await;
        let key = self.letter(&asker.email, "new key").await.key();
        (asker, pin, key)
    }

    /// How many rows a query finds.
    pub fn rows(&self, sql: &str) -> Vec<String> {
        crate::support::program::rows(&self.database.url, sql)
    }
}
