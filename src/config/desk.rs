//! When the desk is open, so that deadlines count business hours.

use chrono::{FixedOffset, NaiveTime, Weekday};
use chrono_tz::Tz;

use super::fault::shown;
use super::layers::Layers;
use super::reading::Complaint;
use crate::domain::zone::Zone;

/// The section `desk`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeskSettings {
    /// Days on which it is open, at least one, each once.
    pub days: Vec<Weekday>,
    /// When it opens, in its zone.
    pub opens: NaiveTime,
    /// When it closes, in its zone; later than it opens.
    pub closes: NaiveTime,
    /// The zone of its clock.
    pub zone: Zone,
    /// Business hours until the first answer.
    pub response_hours: u32,
    /// Texts that agents may insert into a message.
    pub replies: Vec<CannedReply>,
}

/// A text that is ready to be inserted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CannedReply {
    /// What agents choose it by: one line, at most 60 characters.
    pub name: String,
    /// The text, at most 2000 characters.
    pub text: String,
}

/// How many there may be: a list that one still reads.
const MOST_REPLIES: usize = 30;

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Mon),
    ("tue", Weekday::Tue),
    ("wed", Weekday::Wed),
    ("thu", Weekday::Thu),
    ("fri", Weekday::Fri),
    ("sat", Weekday::Sat),
    ("sun", Weekday::Sun),
];

impl DeskSettings {
    /// A desk that never closes, for judging a policy without its hours.
    pub(super) fn around_the_clock() -> Self {
        Self {
            days: Vec::new(),
            opens: NaiveTime::MIN,
            closes: NaiveTime::MIN,
            zone: Zone::UTC,
            response_hours: 1,
            replies: Vec::new(),
        }
    }

    pub(super) fn read(layers: &mut Layers) -> Self {
        let opens = layers.parsed("desk.opens", time).unwrap_or(NaiveTime::MIN);
        let closes = layers.parsed("desk.closes", time);
        if closes.is_some_and(|closes| closes <= opens) {
            layers.fault("desk.closes", "is not later than desk.opens", "");
        }
        let zone = layers.parsed("desk.zone", zone);
        Self {
            days: days(layers),
            opens,
            closes: closes.unwrap_or(NaiveTime::MIN),
            zone: zone.unwrap_or(Zone::UTC),
            response_hours: layers.number("desk.response_hours", 1..=720),
            replies: replies(layers),
        }
    }
}

fn replies(layers: &mut Layers) -> Vec<CannedReply> {
    let key = "desk.replies";
    let mut replies: Vec<CannedReply> = Vec::new();
    for text in layers.list(key) {
        let Some(one) = layers.kept(key, reply(&text)) else { continue };
        if replies.iter().any(|other| other.name == one.name) {
            layers.fault(key, format!("has {} twice", shown(&one.name)), "give each a name of its own");
        }
        replies.push(one);
    }
    if replies.len() > MOST_REPLIES {
        layers.fault(key, "has too many texts", "keep 30 or fewer");
    }
    replies
}

fn reply(given: &str) -> Result<CannedReply, Complaint> {
    let hint = "write it like Name: text, with a name of up to 60 and a text of up to 2000 characters";
    let (name, text) =
        given.split_once(':').map(|(name, text)| (name.trim(), text.trim())).unwrap_or_default();
    let is_line = !name.is_empty() && name.chars().count() <= 60 && !name.chars().any(char::is_control);
    let is_text = !text.is_empty() && text.chars().count() <= 2000;
    let is_plain = !text.chars().any(|c| c.is_control() && c != '\n');
    if is_line && is_text && is_plain {
        return Ok(CannedReply { name: name.to_owned(), text: text.to_owned() });
    }
    Err((format!("{} is no name and text", shown(given)), hint))
}

fn days(layers: &mut Layers) -> Vec<Weekday> {
    let key = "desk.days";
    let mut days = Vec::new();
    let words = layers.list(key);
    for word in &words {
        match DAYS.iter().find(|(name, _)| name == word) {
            Some((_, day)) if !days.contains(day) => days.push(*day),
            Some(_) => layers.fault(key, format!("names {word} twice"), ""),
            None => layers.fault(key, format!("{} is no day", shown(word)), "of mon, tue, … sun"),
        }
    }
    if words.is_empty() {
        layers.fault(key, "is empty", "a desk that never opens has no deadlines");
    }
    days
}

fn time(text: &str) -> Result<NaiveTime, Complaint> {
    let is_plain = text.len() == 5;
    let time = NaiveTime::parse_from_str(text, "%H:%M").ok().filter(|_| is_plain);
    time.ok_or_else(|| (format!("{} is no time of day", shown(text)), "write it like 09:00"))
}

fn zone(text: &str) -> Result<Zone, Complaint> {
    let is_offset = text.len() == 6 && text.starts_with(['+', '-']);
    let offset = || text.parse::<FixedOffset>().ok().filter(|_| is_offset).map(Zone::Fixed);
    let zone = text.parse::<Tz>().ok().map(Zone::Named).or_else(offset);
    zone.ok_or_else(|| {
        let hint =
            "UTC, a name of the IANA time zone database such as Europe/Berlin, or an offset such as +01:00";
        (format!("{} is no zone", shown(text)), hint)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{FixedOffset, Tz, Zone, reply, time, zone};

    #[test]
    fn a_reply_has_a_name_and_a_text() {
        let read = reply("Clock: set it\nto automatic: yes").unwrap();
        assert_eq!((&*read.name, &*read.text), ("Clock", "set it\nto automatic: yes"));
        for given in ["", "Clock", "Clock:", ": text", "Clo\nck: text", "Clock: a\u{1b}[31m"] {
            assert!(reply(given).is_err(), "{given:?}");
        }
        assert!(reply(&format!("a: {}", "b".repeat(2001))).is_err());
        assert!(reply(&format!("{}: b", "a".repeat(61))).is_err());
    }

    proptest! {
        #[test]
        fn whatever_is_read_fits_into_a_message(given in any::<String>()) {
            if let Ok(read) = reply(&given) {
                prop_assert!(!read.name.is_empty() && !read.text.is_empty() && read.text.chars().count() <= 2000);
            }
        }
    }

    #[test]
    fn times_and_zones_are_read_strictly() {
        assert!(time("09:00").is_ok() && time("23:59").is_ok());
        for text in ["", "9:00", "24:00", "09:60", "09:00:00", "nine ", "-9:00"] {
            assert!(time(text).is_err(), "{text}");
        }
        assert_eq!(zone("UTC"), Ok(Zone::UTC));
        assert_eq!(zone("Europe/Paris"), Ok(Zone::Named(Tz::Europe__Paris)));
        for (text, seconds) in [("+05:30", 19_800), ("-03:00", -10_800)] {
            assert_eq!(zone(text), Ok(Zone::Fixed(FixedOffset::east_opt(seconds).unwrap())));
        }
        for text in ["", "utc", "Europe/Atlantis", "europe/paris", "+1", "+25:00", "01:00", "+01:00 "] {
            assert!(zone(text).is_err(), "{text}");
        }
    }
}
