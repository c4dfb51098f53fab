//! What can go wrong in a dialogue, and what each case means for the letter.
//!
//! The one rule: only a 5xx about this recipient or this message is final. Trouble with connecting, TLS,
//! signing in or the sender's address is ours: the letter waits, and somebody has to be told.

use super::reply::Reply;
use super::verdict::{Reason, Verdict};

/// Where in the dialogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Connect,
    Tls,
    Greeting,
    Ehlo,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// While the message goes out.
    Message,
    /// From the first byte of the mark of its end: it may have arrived.
    End,
    Noop,
    Quit,
}

/// What went wrong there.
#[derive(Debug)]
pub(crate) enum What {
    /// Closed, reset, unreachable.
    Lost,
    /// Over the limit of time.
    Slow,
    /// No SMTP.
    Garbled,
    /// The server spoke without being asked, or more than it was.
    Unasked,
    /// STARTTLS or AUTH is needed and not to be had.
    NotOffered,
    /// TLS did not come about, with the library's word for it.
    Untrusted(String),
    /// A reply other than the one that means yes.
    Refused(Reply),
}

/// Why the dialogue is over.
#[derive(Debug)]
pub(super) struct Trouble {
    step: Step,
    what: What,
}

impl Trouble {
    pub(super) const fn new(step: Step, what: What) -> Self {
        Self { step, what }
    }

    /// Whether a kept connection had merely grown old: nothing of the letter was said yet.
    pub(super) fn is_stale(&self) -> bool {
        let gone = match &self.what {
            What::Lost | What::Unasked => true,
            What::Refused(reply) => reply.code == 421,
            _ => false,
        };
        self.step == Step::Mail && gone
    }

    /// What it means for the letter.
    pub(super) fn verdict(self) -> Verdict {
        let reason = self.reason();
        let is_about_the_letter = matches!(self.step, Step::Rcpt | Step::Data | Step::End);
        let is_final = matches!(&self.what, What::Refused(reply) if reply.code >= 500);
        if is_about_the_letter && is_final && !reason.is_ours {
            Verdict::Bounced(reason)
        } else {
            Verdict::Deferred(reason)
        }
    }

    pub(super) fn reason(&self) -> Reason {
        let reason = match &self.what {
            What::Refused(reply) => Reason::new(&self.refusal(reply)).with_code(reply.code),
            other => Reason::new(&format!("{}: {}", self.step.words(), other.words())),
        };
        let reason = if self.is_ours() { reason.ours() } else { reason };
        let was_answered = matches!(self.what, What::Refused(_));
        if self.step == Step::End && !was_answered { reason.perhaps_arrived() } else { reason }
    }

    /// Servers may quote a password that they refuse, or a message that they have read.
    fn refusal(&self, reply: &Reply) -> String {
        let step = self.step.words();
        match self.step {
            Step::Auth | Step::Message | Step::End => match reply.enhanced() {
                Some(code) => format!("{step}: refused, {} {code}", reply.code),
                None => format!("{step}: refused, {}", reply.code),
            },
            _ => format!("{step}: {} {}", reply.code, reply.lines.join(" ")),
        }
    }

    fn is_ours(&self) -> bool {
        match &self.what {
            What::Untrusted(_) | What::NotOffered | What::Garbled | What::Unasked => true,
            What::Lost | What::Slow => false,
            What::Refused(reply) if reply.code < 500 => false,
            // Bad sequence, or authentication asked for: about us, wherever it comes.
            What::Refused(reply) if matches!(reply.code, 503 | 530 | 535 | 538) => true,
            What::Refused(_) => !matches!(self.step, Step::Rcpt | Step::Data | Step::End),
        }
    }
}

impl Step {
    const fn words(self) -> &'static str {
        match self {
            Self::Connect => "connecting",
            Self::Tls => "TLS",
            Self::Greeting => "greeting",
            Self::Ehlo => "EHLO",
            Self::StartTls => "STARTTLS",
            Self::Auth => "signing in",
            Self::Mail => "sender",
            Self::Rcpt => "recipient",
            Self::Data | Self::Message => "message",
            Self::End => "end of message",
            Self::Noop => "NOOP",
            Self::Quit => "QUIT",
        }
    }
}

impl What {
    fn words(&self) -> &str {
        match self {
            Self::Lost => "the connection was lost",
            Self::Slow => "no answer in time",
            Self::Garbled => "the answer was not SMTP",
            Self::Unasked => "the server spoke out of turn",
            Self::NotOffered => "the server does not offer it",
            Self::Untrusted(why) => why,
            Self::Refused(_) => "refused",
        }
    }
}
