//! One spelling of a token, and one kind.

use secrecy::ExposeSecret;

use super::*;

#[test]
fn a_token_is_found_again_by_its_hash_and_as_its_kind_only() {
    let crypto = crypto();
    for kind in TokenKind::ALL {
        let (token, hash) = crypto.token(kind);
        let token = token.expose_secret();
        assert_eq!(token.len(), kind.prefix().len() + 43);
        assert!(hash.len() == 64 && !hash.contains(&token[8..16]));
        for other in TokenKind::ALL {
            let found = token_hash(other, token);
            assert_eq!(found.as_ref() == Some(&hash), other == kind);
            let renamed = token.replacen(kind.prefix(), other.prefix(), 1);
            assert_eq!(token_hash(other, &renamed).unwrap() == hash, other == kind);
        }
    }
}

#[test]
fn no_other_spelling_is_a_token() {
    let (token, _) = crypto().token(TokenKind::Ticket);
    let token = token.expose_secret();
    let cut = &token[..token.len() - 1];
    let last_spellings = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        .chars()
        .filter(|last| token_hash(TokenKind::Ticket, &format!("{cut}{last}")).is_some())
        .collect::<String>();
    assert_eq!(last_spellings, "AEIMQUYcgkosw048", "those with nothing in the two bits to spare");
    for wrong in [
        cut.to_owned(),
        format!("{token}A"),
        format!("{token}="),
        format!(" {token}"),
        format!("{token}\n"),
        token.to_uppercase(),
        token["rk_".len()..].to_owned(),
        token.replacen("rk_tkt_", "rk_tkt", 1),
        token.replacen("rk_tkt_", "rk_tkt_rk_tkt_", 1),
        format!("{}+/", &token[..token.len() - 2]),
        format!("{}é", &token[..token.len() - 2]),
        "rk_tkt_".to_owned(),
        String::new(),
    ] {
        assert_eq!(token_hash(TokenKind::Ticket, &wrong), None, "{wrong}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(rk_tkt_)?\\PC{0,60}") {
        let _ = token_hash(TokenKind::Ticket, &text);
        let _ = canonical_recovery_code(&text);
        let _ = KeyRing::parse(&text);
        let _ = KeyId::parse(&text);
    }
}
