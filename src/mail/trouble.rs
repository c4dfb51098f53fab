//! What can go wrong in a dialogue, and what each case means for the letter.
//!
//! The one rule: only a 5xx about this recipient is final. Trouble with connecting, TLS, signing in, the sender's
//! address or the server's policy is ours: the letter waits, and somebody has to be told.

use super::refusal::Concern;
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
        match self.concern() {
            Some(Concern::Recipient | Concern::ProbablyRecipient) => Verdict::Bounced(reason),
            Some(Concern::Us) | None => Verdict::Deferred(reason),
        }
    }

    /// Whom a permanent refusal is about; none for everything else.
    fn concern(&self) -> Option<Concern> {
        match &self.what {
            What::Refused(reply) if reply.code < 500 => None,
            What::Refused(reply) if self.step.names_the_recipient() => Some(Concern::of(reply)),
            What::Refused(_) => Some(Concern::Us),
            _ => None,
        }
    }

    /// The very words of a refusal whose code does not say whom it is about.
    pub(super) fn unclear_answer(&self) -> Option<&Reply> {
        match &self.what {
            What::Refused(reply) if self.concern() == Some(Concern::ProbablyRecipient) => Some(reply),
            _ => None,
        }
    }

    /// The verdict where other recipients got the very same answer.
    pub(super) fn verdict_of_us(self) -> Verdict {
        Verdict::Deferred(self.reason_for(true))
    }

    pub(super) fn reason(&self) -> Reason {
        self.reason_for(self.is_ours())
    }

    fn reason_for(&self, is_ours: bool) -> Reason {
        let reason = match &self.what {
            What::Refused(reply) => Reason::new(&self.refusal(reply, is_ours)).with_code(reply.code),
            other => Reason::new(&format!("{}: {}", self.step.words(), other.words())),
        };
        let reason = if is_ours { reason.ours() } else { reason };
        let was_answered = matches!(self.what, What::Refused(_));
        if self.step == Step::End && !was_answered { reason.perhaps_arrived() } else { reason }
    }

    /// Servers may quote a password that they refuse, or a message that they have read.
    fn refusal(&self, reply: &Reply, is_ours: bool) -> String {
        let is_misplaced = is_ours && self.step.names_the_recipient();
        let step = if is_misplaced { "the mail server refuses us" } else { self.step.words() };
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
            What::Refused(_) => self.concern() == Some(Concern::Us),
        }
    }
}

impl Step {
    const fn names_the_recipient(self) -> bool {
        matches!(self, Self::Rcpt | Self::Data | Self::End)
    }

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
