//! A call that failed: how far it came, and what AWS said.

use std::fmt;
use std::time::Duration;

/// Why a call has no answer. What may have happened at AWS follows from the variant, not from the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The request did not leave this machine, so that nothing was made.
    NotSent(NotSent),
    /// The request was sent, or part of it, and no readable answer came: anything may have been done.
    Lost {
        /// Which action.
        action: &'static str,
        /// What happened: a time-out, a closed connection, half an answer, no XML.
        why: String,
    },
    /// AWS answered with an error.
    Answered(Answered),
}

/// Why a request was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotSent {
    /// No connection: refused, no route, no such host, TLS.
    Connect {
        /// `https://ec2.us-east-1.amazonaws.com`
        endpoint: String,
        /// What happened.
        why: String,
    },
    /// No region is configured.
    NoRegion,
    /// What the configuration says cannot be used: an endpoint without TLS, a CA bundle that cannot be read.
    Configuration {
        /// What it is, and what is allowed.
        why: String,
    },
    /// No credentials were found, or they could not be loaded.
    NoCredentials {
        /// Where they were looked for, in order, and what was there.
        why: String,
    },
    /// The endpoint could not be reached lately, and is left alone.
    Paused {
        /// The service with its region or URL.
        endpoint: String,
        /// How often in a row it could not be reached.
        failures: u32,
        /// For how long it is left alone.
        seconds: u64,
        /// The last failure.
        why: String,
    },
    /// AWS throttles the action, and there is no time to wait for as long as that takes.
    Throttled {
        /// Which action.
        action: &'static str,
        /// After how many seconds it may be called.
        seconds: u64,
    },
    /// The deadline had passed before it was sent.
    TooLate,
}

/// An error that AWS answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Which action.
    pub action: &'static str,
    /// HTTP status; 200 for an entry of a fleet's `Errors`.
    pub status: u16,
    /// The error code; empty where the body has none, as a proxy's HTML.
    pub code: String,
    /// AWS's message, for the reader of a log. It may be long.
    pub message: String,
    /// For AWS's support.
    pub request_id: Option<String>,
    /// After which time AWS wants to be asked again, if it said so.
    pub retry_after: Option<Duration>,
}

impl Answered {
    /// An error without the parts that only some answers have.
    pub fn new(action: &'static str, status: u16, code: &str, message: &str) -> Self {
        Self {
            action,
            status,
            code: code.to_owned(),
            message: message.to_owned(),
            request_id: None,
            retry_after: None,
        }
    }
}

impl Failure {
    /// The error code; `None` where AWS did not answer.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Answered(answered) => Some(&answered.code),
            Self::NotSent(_) | Self::Lost { .. } => None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSent(why) => why.fmt(f),
            Self::Lost { action, why } => write!(f, "{action}: no answer from AWS: {why}"),
            Self::Answered(answered) => answered.fmt(f),
        }
    }
}

impl fmt::Display for NotSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect { endpoint, why } => write!(f, "cannot connect to {endpoint}: {why}"),
            Self::NoRegion => f.write_str("no region is configured"),
            Self::Configuration { why } => f.write_str(why),
            Self::NoCredentials { why } => write!(f, "no credentials: {why}"),
            Self::Paused { endpoint, failures, seconds, why } => write!(
                f,
                "{endpoint} could not be reached {failures} times, and is not called for another {seconds} s: {why}"
            ),
            Self::Throttled { action, seconds } => {
                write!(f, "{action}: AWS throttles this action, which may be called again in {seconds} s")
            }
            Self::TooLate => f.write_str("there was no time left to call AWS"),
        }
    }
}

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { action, status, code, message, .. } = self;
        match (code.is_empty(), message.is_empty()) {
            (true, _) => write!(f, "{action}: HTTP status {status} without an error code"),
            (false, true) => write!(f, "{action}: {code}"),
            (false, false) => write!(f, "{action}: {code}: {}", message.trim()),
        }
    }
}

impl From<NotSent> for Failure {
    fn from(why: NotSent) -> Self {
        Self::NotSent(why)
    }
}

impl From<Answered> for Failure {
    fn from(answered: Answered) -> Self {
        Self::Answered(answered)
    }
}
