//! An authenticator app of our own: RFC 6238 over ring's HMAC, so that the program is not its own witness.

use ring::hmac;

/// The six digits that an app shows at that time.
pub fn code(key: &str, unix_seconds: i64) -> String {
    let counter = u64::try_from(unix_seconds).unwrap() / 30;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &base32(key));
    let mac = hmac::sign(&key, &counter.to_be_bytes());
    let mac = mac.as_ref();
    let at = usize::from(mac[19] & 0xf);
    let number = u32::from_be_bytes(mac[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

/// A code that is wrong now, whatever the key.
pub fn wrong_code(right: &str) -> String {
    let number: u32 = right.parse().unwrap();
    format!("{:06}", (number + 500_000) % 1_000_000)
}

fn base32(text: &str) -> Vec<u8> {
    let mut bits = 0_u32;
    let mut count = 0;
    let mut bytes = Vec::new();
    for letter in text.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'2'..=b'7' => letter - b'2' + 26,
            _ => panic!("not Base32"),
        };
        bits = (bits << 5) | u32::from(value);
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap());
        }
    }
    bytes
}

/// RFC 6238 Appendix B, with six digits; and another program's opinion.
#[test]
fn it_shows_what_other_apps_show() {
    let key = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    for (time, shown) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
        assert_eq!(code(key, time), shown);
        let said = std::process::Command::new("oathtool")
            .args(["--totp", "--base32", &format!("--now=@{time}"), key])
            .output()
            .expect("oathtool is there: script/setup");
        assert_eq!(String::from_utf8_lossy(&said.stdout).trim(), shown);
    }
}
