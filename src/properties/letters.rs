//! Letters: no name that stands on file becomes a header, a part, a link or markup.

use std::sync::OnceLock;

use super::{Reader, text};
use crate::domain::letter::{Content, Purpose};
use crate::mail::compose;
use crate::mail::samples::{content, envelope, letter, sender};

/// Any bytes, as names in a letter of any purpose.
pub fn letters(bytes: &[u8]) {
    let mut reader = Reader::of(bytes);
    let purpose = Purpose::ALL[usize::from(reader.byte()) % Purpose::ALL.len()];
    let [person, account, third] = [reader.part(), reader.part(), reader.rest()];
    no_name_becomes_more(purpose, &text(person), &text(account), &text(third));
}

/// The letter with these names has the headers, parts and tags that it has with others.
pub fn no_name_becomes_more(purpose: Purpose, person: &str, account: &str, third: &str) {
    let mut content = content(purpose);
    let mut envelope = envelope(purpose);
    let calm = calm(purpose);
    if let Content::ManagerVouch { person, .. } = &mut content {
        third.clone_into(person);
    }
    if let Content::Bounced { address, .. } = &mut content {
        third.clone_into(address);
    }
    person.clone_into(&mut envelope.person);
    account.clone_into(&mut envelope.account);
    let wild = compose(&letter(content), &envelope, &sender()).unwrap();
    let wild = String::from_utf8(wild.bytes().to_vec()).unwrap();

    assert_eq!(names(&wild), names(calm));
    assert!(wild.is_ascii());
    assert!(wild.split("\r\n").all(|line| !line.contains(['\r', '\n']) && line.len() <= 998));
    let tags = |message: &str| message.split("text/html").nth(1).unwrap().matches('<').count();
    assert_eq!(tags(&wild), tags(calm));
    let text = decoded_text(&wild);
    assert!(!text.chars().any(|c| c.is_control() && c != '\r' && c != '\n'));
    let unseen = ['\u{202e}', '\u{2066}', '\u{200b}', '\u{feff}', '\u{2028}'];
    assert!(!text.contains(unseen));
    assert!(!text.contains("https://evil"));
}

/// The letter of the samples.
fn calm(purpose: Purpose) -> &'static str {
    static CALM: OnceLock<Vec<String>> = OnceLock::new();
    let all = CALM.get_or_init(|| {
        let one = |purpose: &Purpose| {
            let calm = compose(&letter(content(*purpose)), &envelope(*purpose), &sender()).unwrap();
            String::from_utf8(calm.bytes().to_vec()).unwrap()
        };
        Purpose::ALL.iter().map(one).collect()
    });
    &all[Purpose::ALL.iter().position(|one| *one == purpose).unwrap()]
}

/// The plain text of a message.
pub(crate) fn decoded_text(message: &str) -> String {
    let part = message.split("--rekey-").nth(1).unwrap();
    let (head, body) = part.split_once("\r\n\r\n").unwrap();
    if head.contains("base64") {
        use base64::Engine as _;
        let bytes = base64::engine::general_purpose::STANDARD.decode(body.replace("\r\n", "")).unwrap();
        return String::from_utf8(bytes).unwrap();
    }
    if !head.contains("quoted-printable") {
        return body.to_owned();
    }
    let body = body.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = body.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        if *first == b'=' {
            bytes.push(u8::from_str_radix(std::str::from_utf8(&tail[..2]).unwrap(), 16).unwrap());
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn names(message: &str) -> Vec<&str> {
    let head = message.split("\r\n\r\n").next().unwrap();
    head.split("\r\n").filter(|l| !l.starts_with([' ', '\t'])).map(|l| l.split(':').next().unwrap()).collect()
}
