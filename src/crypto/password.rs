//! Passwords: Argon2id, on all cores but one, and few that wait.
//!
//! A password is hashed in Unicode's composed form (NFC): keyboards and browsers send one password in several.
//!
//! The rule: a password that cannot be checked in time is refused as `Busy`, before any work;
//! one for an account that does not exist costs the same as any other; and whatever else there is
//! to do goes first, so that a flood of sign-ins holds up nobody's code.

use std::cell::RefCell;
use std::sync::Arc;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use icu_normalizer::DecomposingNormalizerBorrowed;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::random::Random;
use super::seal::SealError;
use crate::domain::text;

/// How many may wait for a core.
const WAITING: usize = 64;
/// By how much hashing gives way, as `nice` has it: to a tenth of the time of what else wants the same core.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// Why a password was not hashed or checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too many are waiting; try again soon.
    #[error("too many passwords are being checked")]
    Busy,
    /// What was kept is no hash of ours.
    #[error("the kept hash is malformed")]
    Malformed,
    /// The key that it was made under is not on the ring.
    #[error(transparent)]
    Key(#[from] SealError),
    /// The work was interrupted.
    #[error("the hashing was interrupted")]
    Interrupted,
}

/// Hashing of passwords. Clones share the bound.
#[derive(Clone)]
pub struct Passwords {
    params: Params,
    /// Those who are served or wait.
    places: Arc<Semaphore>,
    hashers: Arc<Hashers>,
    random: Random,
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

impl Passwords {
    /// At full cost: 19 MiB, two passes, one lane.
    #[must_use]
    pub fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        Self::bounded(Params::DEFAULT, cores.saturating_sub(1).max(1), WAITING)
    }

    /// At next to no cost, for tests that are about something else.
    #[must_use]
    pub fn cheap() -> Self {
        Self::bounded(Params::new(Params::MIN_M_COST, 1, 1, None).unwrap_or_default(), 4, 10_000)
    }

    pub(super) fn bounded(params: Params, at_once: usize, waiting: usize) -> Self {
        Self {
            params,
            places: Arc::new(Semaphore::new(at_once + waiting)),
            hashers: Arc::new(Hashers::new(at_once)),
            random: Random::system(),
        }
    }

    /// The PHC string to keep for `password`.
    ///
    /// # Errors
    /// Too many are waiting.
    pub async fn hash(&self, password: &str) -> Result<String, PasswordError> {
        let (password, salt) = (composed(password), self.random.bytes::<16>());
        let argon2 = Argon2::from(&self.params);
        self.bounded_work(move || {
            let salt = Salt::new(&*salt).map_err(|_| PasswordError::Malformed)?;
            let hashed = PasswordHash {
                algorithm: Algorithm::Argon2id.ident(),
                version: Some(Version::V0x13.into()),
                params: ParamsString::try_from(argon2.params()).map_err(|_| PasswordError::Malformed)?,
                salt: Some(salt),
                hash: Some(tag(&argon2, &password, &salt)?),
            };
            Ok(hashed.to_string())
        })
        .await
    }

    /// Whether `phc` is a hash of `password`.
    ///
    /// # Errors
    /// Too many are waiting, or `phc` is no hash of ours.
    pub async fn verify(&self, phc: &str, password: &str) -> Result<bool, PasswordError> {
        let hash = PasswordHash::new(phc).map_err(|_| PasswordError::Malformed)?;
        let asked = Params::try_from(&hash).map_err(|_| PasswordError::Malformed)?;
        // Whoever can write to the database must not choose how much memory we take.
        if asked.m_cost() > 4 * Params::DEFAULT_M_COST || asked.t_cost() > 8 || asked.p_cost() > 4 {
            return Err(PasswordError::Malformed);
        }
        let algorithm = Algorithm::try_from(hash.algorithm.as_str()).map_err(|_| PasswordError::Malformed)?;
        let version = hash.version.map_or(Ok(Version::V0x13), Version::try_from);
        let argon2 = Argon2::new(algorithm, version.map_err(|_| PasswordError::Malformed)?, asked);
        let (Some(salt), Some(kept)) = (hash.salt, hash.hash) else { return Err(PasswordError::Malformed) };
        let spellings = spellings(password);
        self.bounded_work(move || {
            let mut is_right = false;
            for password in &spellings {
                // Outputs are compared in constant time, and all of them.
                is_right |= tag(&argon2, password, &salt)? == kept;
            }
            Ok(is_right)
        })
        .await
    }

    /// Takes the time of [`verify`](Self::verify) where there is nothing to check against.
    ///
    /// # Errors
    /// Too many are waiting.
    pub async fn verify_dummy(&self, password: &str) -> Result<(), PasswordError> {
        let spellings = spellings(password);
        let argon2 = Argon2::from(&self.params);
        self.bounded_work(move || {
            spellings.iter().try_for_each(|password| tag(&argon2, password, b"no such account.").map(drop))
        })
        .await
    }

    pub(super) async fn bounded_work<T, F>(&self, work: F) -> Result<T, PasswordError>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, PasswordError> + Send + 'static,
    {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| PasswordError::Busy)?;
        let hashers = self.hashers.0.as_ref().ok_or(PasswordError::Interrupted)?;
        let done = hashers.spawn_blocking(move || {
            let outcome = work();
            // Held by the work, not by its caller, who may have gone before it is done.
            drop(place);
            outcome
        });
        done.await.unwrap_or(Err(PasswordError::Interrupted))
    }
}

/// The one form in which passwords are set (NIST SP 800-63B-4 §3.1.1.2 asks for one).
pub(crate) fn composed(password: &str) -> Zeroizing<String> {
    Zeroizing::new(text::composed(password))
}

/// The forms in which a hash may have been made of a password: the composed one, and for older hashes as it was typed
/// then, which may have been decomposed. One for nearly all passwords.
fn spellings(password: &str) -> Vec<Zeroizing<String>> {
    let mut spellings = vec![composed(password)];
    let decomposed = DecomposingNormalizerBorrowed::new_nfd().normalize(password).into_owned();
    for other in [Zeroizing::new(password.to_owned()), Zeroizing::new(decomposed)] {
        if !spellings.contains(&other) {
            spellings.push(other);
        }
    }
    spellings
}

thread_local! {
    /// What a thread hashes in, kept until the thread has had nothing to do for a while. Taken anew for each password
    /// it scatters over the heap, to ten times as much.
    static MEMORY: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
}

/// What Argon2 makes of a password, in this thread's memory.
fn tag(argon2: &Argon2<'_>, password: &str, salt: &[u8]) -> Result<Output, PasswordError> {
    let length = argon2.params().output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
    let mut out = Zeroizing::new(vec![0; length]);
    MEMORY.with_borrow_mut(|blocks| {
        blocks.resize(argon2.params().block_count(), Block::new());
        let hashed = argon2.hash_password_into_with_memory(password.as_bytes(), salt, &mut out, blocks);
        hashed.map_err(|_| PasswordError::Malformed)?;
        Output::new(&out).map_err(|_| PasswordError::Malformed)
    })
}

/// Threads for hashing alone, which take turns in order of arrival: one that gives way never comes back to the front.
struct Hashers(Option<Runtime>);

impl Hashers {
    fn new(at_once: usize) -> Self {
        let mut threads = Builder::new_current_thread();
        threads.max_blocking_threads(at_once).thread_name("rekey-password");
        // Elsewhere it would be the whole program that gives way. Where it may not, it works as any other.
        #[cfg(target_os = "linux")]
        threads.on_thread_start(|| {
            let _ = rustix::process::nice(NICE);
        });
        Self(threads.build().ok())
    }
}

impl Drop for Hashers {
    fn drop(&mut self) {
        if let Some(threads) = self.0.take() {
            // Whoever drops it may be in a task, where there is no waiting.
            threads.shutdown_background();
        }
    }
}
