//! Whom a permanent refusal is about, once a recipient was named: that recipient, or us.
//!
//! Relays refuse senders, clients and policies at RCPT and behind the message too (Postfix `smtpd_delay_reject`,
//! Exchange Online), so the place says nothing. The rule: the enhanced code decides first; only what says or may
//! mean "no such mailbox" is final for a recipient.

use super::reply::{EnhancedCode, Reply};

/// Whom a refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Concern {
    /// The code says that it is the recipient.
    Recipient,
    /// It probably is; the same answer to another recipient would show that it is not.
    ProbablyRecipient,
    /// Us, our sender's address, or every message of ours.
    Us,
}

impl Concern {
    pub(super) fn of(reply: &Reply) -> Self {
        match (reply.code, reply.enhanced()) {
            // Bad sequence, or authentication asked for.
            (503 | 530 | 535 | 538, _) => Self::Us,
            (_, Some(EnhancedCode { subject, detail, .. })) if (subject, detail) != (0, 0) => {
                Self::of_code(subject, detail)
            }
            // RFC 5321 §4.2.3: these name the mailbox; 554 and others name no cause.
            (550..=553, _) => Self::ProbablyRecipient,
            _ => Self::Us,
        }
    }

    /// By subject and detail of the enhanced code (RFC 3463 and the IANA registry; those from 20 up are Exchange's).
    const fn of_code(subject: u16, detail: u16) -> Self {
        match (subject, detail) {
            // Sender's address (1.7, 1.8), several senders (1.20), no right to send as this sender (2.2xx), the sender's
            // daily limit at Exchange (1.90) and Gmail (4.5).
            (1, 7 | 8 | 20 | 90) | (2, 200..=299) | (4, 5) => Self::Us,
            (1, 1..=6 | 10) | (2, 1..=2) => Self::Recipient,
            (0 | 1 | 2 | 4, _) => Self::ProbablyRecipient,
            // System, protocol, content, policy.
            _ => Self::Us,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::reply::first;
    use super::Concern;

    #[track_caller]
    fn concern(line: &str) -> Concern {
        let (reply, _) = first(format!("{line}\r\n").as_bytes()).unwrap().unwrap();
        Concern::of(&reply)
    }

    #[test]
    fn refusals_of_senders_clients_and_policies_are_about_us() {
        for line in [
            "554 5.7.1 <ada@example.com>: Relay access denied",
            "553 5.7.1 <sender>: Sender address rejected: not owned by user desk",
            "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using list.example",
            "550 5.7.1 Unable to relay",
            "550 5.7.26 Unauthenticated email is not accepted due to the domain's DMARC policy",
            "554 5.2.252 SendAsDenied; desk@example.com not allowed to send as security@example.com",
            "550 5.1.7 invalid address of the sender",
            "550 5.1.8 Access denied, bad outbound sender",
            "550 5.1.90 daily limit for message recipients",
            "550 5.4.5 Daily user sending limit exceeded",
            "552 5.3.4 Message size exceeds fixed limit",
            "554 5.5.1 no valid recipients",
            "554 5.6.0 content rejected",
            "550 4.7.1 not now",
            "530 5.7.0 authentication required",
            "554 relaying denied",
            "571 blocked",
            "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
        ] {
            assert_eq!(concern(line), Concern::Us, "{line}");
        }
    }

    #[test]
    fn refusals_of_mailboxes_are_about_the_recipient() {
        for detail in ["1.1", "1.2", "1.3", "1.6", "1.10", "2.1", "2.2"] {
            assert_eq!(concern(&format!("550 5.{detail} no")), Concern::Recipient, "{detail}");
        }
        assert_eq!(concern("554 5.1.1 no such user"), Concern::Recipient);
        assert_eq!(
            concern("550-5.1.1 The account does not exist.\r\n550 5.1.1 Look at example.com"),
            Concern::Recipient
        );
        assert_eq!(concern("550 sorry, no mailbox here by that name. (#5.1.1)"), Concern::Recipient);
    }

    #[test]
    fn a_refusal_without_a_cause_is_probably_about_the_recipient() {
        for line in
            ["550 no", "551 elsewhere", "552 full", "553 no such name", "550", "550 5.0.0 no", "550 5.4.1 no"]
        {
            assert_eq!(concern(line), Concern::ProbablyRecipient, "{line}");
        }
    }
}
