//! The properties with bytes that proptest draws: any, and such as have a meaning somewhere.

use proptest::prelude::*;

use super::ALL;

/// Pieces of what is read somewhere, among anything else.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let words = prop::sample::select(vec![
        &b"{\"a\":1}"[..],
        b"{\"name\":[",
        b"]}",
        b"\"",
        b"\r\n",
        b"\n.\r\n",
        b"\0",
        b"250-",
        b"250 ok\r\n",
        b"external_id,email,name\n",
        b"1,ada@example.com,Ada\n",
        b"{\"external_id\":\"1\",\"email\":\"ada@example.com\",\"name\":\"Ada\"}\n",
        b"ada@example.com",
        b"[policy]\n",
        b"approvals_per_hour = 7\n",
        b"HTTP__LISTEN=127.0.0.1:0",
        b"Bearer rk_ses_",
        b"__Host-rekey_desk=AAAA; ",
        b"198.51.100.1, 10.0.0.2",
        b"[2001:db8::1]:443",
        b"<script>",
        b"\" onload=\"",
        "\u{202e}\u{2066}\u{feff}".as_bytes(),
        b"=?utf-8?q?x?=",
        b"123456",
        b"eyJhbGciOiJub25lIn0.",
    ]);
    let piece =
        prop_oneof![3 => words.prop_map(<[u8]>::to_vec), 2 => prop::collection::vec(any::<u8>(), 0..12)];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

#[test]
fn each_property_holds_of_anything() {
    for (name, property) in ALL {
        let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
            cases: 500,
            failure_persistence: None,
            ..ProptestConfig::default()
        });
        let held = runner.run(&bytes(), |bytes| {
            property(&bytes);
            Ok(())
        });
        assert!(held.is_ok(), "{name}: {}", held.unwrap_err());
    }
}
