//! What is read from the claims, and refused.

use super::*;

#[test]
fn every_claim_is_required() {
    for name in ["iss", "aud", "sub", "iat", "exp", "jti", "auth_time", "amr"] {
        refused(&without(name), Refusal::Claim(name));
        refused(&with(name, Value::Null), Refusal::Claim(name));
    }
}

#[test]
fn claims_of_the_wrong_type_or_out_of_bounds_are_refused() {
    for name in ["iat", "exp", "auth_time", "nbf", "pwd_at"] {
        for value in [
            json!(NOW.to_string()),
            json!(true),
            json!(-1),
            json!(-0.5),
            json!(1e13),
            json!(1e300),
            json!(i64::MAX),
            json!(u64::MAX),
        ] {
            refused(&with(name, value), Refusal::Claim(name));
        }
        refused(&with(name, Value::Null), Refusal::Claim(name));
    }
    refused(&with("iat", json!([NOW])), Refusal::Claim("iat"));
    // The crate reads this one too, and says nothing of which it was.
    refused(&with("exp", json!([NOW])), Refusal::Claims);
    for value in [json!([7]), json!([AUDIENCE, 7]), json!({"0": AUDIENCE}), json!(7)] {
        refused(&with("aud", value), Refusal::Claim("aud"));
    }
    refused(&with("iss", json!(["host"])), Refusal::Claim("iss"));
    for value in [json!("pwd"), json!([]), json!([7]), json!([""]), json!(vec!["pwd"; 17])] {
        refused(&with("amr", value), Refusal::Claim("amr"));
    }
    for value in [json!(""), json!("a b"), json!("ä"), json!("x".repeat(129)), json!(7)] {
        refused(&with("sub", value.clone()), Refusal::Claim("sub"));
        refused(&with("jti", value), Refusal::Claim("jti"));
    }
    for claims in ["[]", "null", "", "{", "7"] {
        refused(claims, Refusal::Claims);
    }
    refused("{}", Refusal::Claim("iss"));
}

#[test]
fn a_claim_that_is_there_twice_is_refused() {
    for (twice, name) in [
        (r#""sub":"eve","#, "sub"),
        (r#""iss":"host","#, "iss"),
        (r#""exp":9999999999,"#, "exp"),
        (r#""\u0073ub":"eve","#, "sub"),
    ] {
        let doubled = claims().to_string().replacen('{', &format!("{{{twice}"), 1);
        refused(&doubled, Refusal::Claim(name));
    }
}

#[test]
fn other_issuers_and_audiences_are_refused() {
    refused(&with("iss", json!("another")), Refusal::Issuer);
    refused(&with("iss", json!("HOST")), Refusal::Issuer);
    for other in ["https://rekey.example.com/", "https://rekey.example.org", "rekey.example.com", "", "*"] {
        refused(&with("aud", json!(other)), Refusal::Audience);
    }
}

#[test]
fn an_audience_may_be_a_list_of_one_and_no_more() {
    assert!(verified_at(&signed(&header("EdDSA"), &with("aud", json!([AUDIENCE]))), NOW).is_ok());
    for others in [
        json!([]),
        json!(["https://other.example"]),
        json!([AUDIENCE, "https://other.example"]),
        json!([AUDIENCE, AUDIENCE]),
    ] {
        refused(&with("aud", others), Refusal::Audience);
    }
}

#[test]
fn fractions_of_a_second_are_read_and_never_work_for_the_bearer() {
    let now = json!(1_772_452_800.0);
    for name in ["iat", "auth_time", "nbf", "pwd_at"] {
        assert!(verified_at(&signed(&header("EdDSA"), &with(name, now.clone())), NOW).is_ok(), "{name}");
    }
    let moment = |seconds: i64, tenths: u8| -> Value {
        format!("{}.{tenths}", NOW + seconds).parse::<serde_json::Number>().unwrap().into()
    };
    let read = |name: &str, value: Value| verified_at(&signed(&header("EdDSA"), &with(name, value)), NOW);
    assert_eq!(read("exp", moment(59, 9)).unwrap().expires_at, at(NOW + 64));
    assert_eq!(read("auth_time", moment(-10, 9)).unwrap().auth_time, at(NOW - 10));
    assert_eq!(read("pwd_at", moment(-10, 1)).unwrap().password_changed_at, Some(at(NOW - 9)));
    assert!(read("iat", moment(4, 9)).is_ok() && read("nbf", moment(4, 9)).is_ok());
    for name in ["iat", "auth_time", "nbf"] {
        assert_eq!(read(name, moment(5, 1)), Err(Refusal::Future), "{name}");
    }
    assert_eq!(read("exp", moment(0, 9)), Err(Refusal::Lifetime));
    assert_eq!(read("exp", moment(61, 0)), Err(Refusal::Lifetime));
}

#[test]
fn times_are_checked_against_the_time_that_is_given() {
    refused(&with("exp", json!(NOW + 61)), Refusal::Lifetime);
    refused(&with("exp", json!(NOW)), Refusal::Lifetime);
    refused(&with("exp", json!(NOW - 10)), Refusal::Lifetime);
    refused(&with("auth_time", json!(NOW + 6)), Refusal::Future);
    refused(&with("nbf", json!(NOW + 6)), Refusal::Future);
    assert!(verified_at(&signed(&header("EdDSA"), &with("nbf", json!(NOW + 5))), NOW).is_ok());
    assert_eq!(verified_at(&good(), NOW - 6), Err(Refusal::Future), "issued in the future");
    assert!(verified_at(&good(), NOW - 5).is_ok());
    assert!(verified_at(&good(), NOW + 64).is_ok());
    assert_eq!(verified_at(&good(), NOW + 65), Err(Refusal::Expired));
    assert_eq!(verified_at(&good(), NOW + 1_000_000), Err(Refusal::Expired));
}
