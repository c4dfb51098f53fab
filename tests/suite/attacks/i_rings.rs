//! A replica whose key ring is that of before a rotation: it knows, says so, and decides nothing.

use serde_json::json;

use crate::support::client::text;
use crate::support::database::Backend;
use crate::support::program::{Program, now, until};
use crate::support::totp::{code, wrong_code};

on_both! {
    /// I10: asks a replica whose key ring is that of before a rotation, with right codes and with wrong ones
    /// | it is not ready (`keys`) and answers 503 with Retry-After, nothing is counted; with the new file it goes on
    async fn i10_a_replica_with_the_ring_of_before_a_rotation_decides_nothing(backend: Backend) {
        let mut program = Program::on(backend).await;
        let host = program.host();
        let (ring, copy) = (program.path("keys.toml"), program.path("copy.toml"));
        std::fs::copy(&ring, &copy).unwrap();
        program.set("KEYS__FILE", copy.to_str().unwrap());
        program.start().await;
        program.account(&host, "ada", "ada@example.com").await.expect(201);
        let ada = "/api/v1/accounts/ada";
        let enrolled = program.http.post(&format!("{ada}/authenticator"), &host, json!({})).await.expect(201);
        let key = text(&enrolled, "secret");
        let first = json!({"code": code(&key, now())});
        let confirmed = program.http.post(&format!("{ada}/authenticator/confirm"), &host, first).await.expect(200);
        let saved = confirmed["recovery_codes"][0].clone();

        program.set("KEYS__FILE", ring.to_str().unwrap());
        program.json(&["keys", "rotate", "--json"], "");
        let verify = format!("{ada}/codes/verify");
        let right = || code(&key, now() + 30);
        for typed in [
            json!({"code": wrong_code(&right())}),
            json!({"code": right()}),
            json!({"recovery_code": saved}),
            json!({"recovery_code": "ABCD-EFGH-IJKL-MNOP"}),
        ] {
            let refused = program.http.post(&verify, &host, typed).await;
            refused.refused(503, "unavailable");
            assert!(refused.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0));
        }
        let state = program.http.get("/readyz", "").await.expect(503);
        assert_eq!((&state["status"], &state["keys"]), (&json!("not_ready"), &json!("failed")));
        assert_eq!(program.query("SELECT CAST(failures AS TEXT) AS text FROM accounts"), ["0"]);

        std::fs::copy(&ring, &copy).unwrap();
        until("the replica has the new ring", async || {
            (program.http.get("/readyz", "").await.status == 200).then_some(())
        })
        .await;
        let accepted = program.http.post(&verify, &host, json!({"code": right()})).await.expect(200);
        assert_eq!(accepted["result"], "accepted");
    }
}
