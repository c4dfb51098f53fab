//! What the program stands on gives way.

use serde_json::json;

use crate::support::client::Reply;
use crate::support::cluster::Cluster;
use crate::support::database::Backend;
use crate::support::program::{Program, rows, until};

/// The program, and a way to have its database take no writes, and take them again.
struct Stage {
    program: Program,
    cluster: Option<Cluster>,
    url: String,
}

impl Stage {
    async fn on(backend: Backend) -> Self {
        let mut program = Program::on(backend).await;
        if backend == Backend::Sqlite {
            let url = program.database.url.clone();
            return Self { program, cluster: None, url };
        }
        let cluster = Cluster::start().await;
        let url = cluster.url("rekey");
        program.set("DATABASE__URL", &url);
        assert!(program.run(&["migrate"], "").status.success());
        Self { program, cluster: Some(cluster), url }
    }

    async fn start(&mut self) {
        match &self.cluster {
            Some(_) => self.program.start().await,
            // Files may grow to 768 KiB: some dozens of accounts.
            None => self.program.start_within(768).await,
        }
    }
}

/// 503 as problem details that say when to come back.
fn is_an_outage(reply: &Reply) {
    reply.refused(503, "unavailable");
    assert!(reply.header("retry-after").parse::<u32>().unwrap() > 0);
}

on_both! {
    /// L3: fills the disk, or waits until the database's server is a standby that only reads, and goes on asking
    /// | 503 with Retry-After, and not ready, with what fails named; nothing half done; well again by itself
    async fn l3_a_database_that_takes_no_writes_is_told_and_nothing_is_half_done(backend: Backend) {
        let mut stage = Stage::on(backend).await;
        let host = stage.program.host();
        stage.start().await;
        let program = &stage.program;
        if let Some(cluster) = &stage.cluster {
            program.account(&host, "p0", "p0@example.com").await.expect(201);
            cluster.stand_by();
        }
        let (mut there, mut refused) = (Vec::new(), Vec::new());
        for number in 1..3000 {
            let name = format!("p{number}");
            let reply = program.account(&host, &name, &format!("{name}@example.com")).await;
            if reply.status == 201 {
                there.push(name);
                continue;
            }
            is_an_outage(&reply);
            refused.push(name);
            if refused.len() > 5 {
                break;
            }
        }
        assert!(refused.len() > 5);
        // What was found out is kept for a second.
        let ready = until("it is not ready", async || {
            let ready = program.http.get("/readyz", "").await;
            (ready.status != 200).then_some(ready)
        })
        .await;
        assert_eq!((ready.status, ready.json()["writes"].as_str()), (503, Some("failed")), "{}", ready.text);
        assert!(ready.header("retry-after").parse::<u32>().unwrap() > 0);
        assert_eq!(program.http.get("/healthz", "").await.status, 200);
        program.http.get("/api/v1/accounts/nobody", &host).await.expect(404);
        let asks = json!({"account": "p1@example.com", "problem": "lost_device", "message": "Gone."});
        is_an_outage(&program.http.post("/api/v1/tickets", "", asks).await);

        match &stage.cluster {
            Some(cluster) => cluster.promote(),
            None => program.room(),
        }
        until("it is ready again", async || (program.http.get("/readyz", "").await.status == 200).then_some(()))
            .await;
        for (names, status) in [(&there, 200), (&refused, 404)] {
            for name in names {
                let found = program.http.get(&format!("/api/v1/accounts/{name}"), &host).await;
                assert_eq!(found.status, status, "{name}");
            }
        }
        program.account(&host, "after", "after@example.com").await.expect(201);
        assert_eq!(rows(&stage.url, "SELECT id AS text FROM tickets"), Vec::<String>::new());
        let verified = program.json(&["audit", "verify", "--json"], "");
        assert_eq!(verified["intact"], true, "{verified}");
    }
}
