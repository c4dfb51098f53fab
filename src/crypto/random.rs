//! The one source of randomness.
//!
//! The rule: without the system's generator nothing secret is made, and nothing goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rand::TryRng;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Where random bytes come from.
#[derive(Clone)]
pub struct Random(Source);

#[derive(Clone)]
enum Source {
    System,
    Repeatable { seed: u64, drawn: Arc<AtomicU64> },
}

impl Random {
    /// The system's generator.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A sequence that anybody can foretell, for tests that compare what they see.
    #[must_use]
    pub fn repeatable(seed: u64) -> Self {
        Self(Source::Repeatable { seed, drawn: Arc::default() })
    }

    /// `N` fresh bytes.
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> Zeroizing<[u8; N]> {
        let mut bytes = Zeroizing::new([0; N]);
        match &self.0 {
            Source::System => from_system(&mut *bytes),
            Source::Repeatable { seed, drawn } => {
                for chunk in bytes.chunks_mut(32) {
                    let block = drawn.fetch_add(1, Ordering::SeqCst);
                    let hash =
                        Sha256::new().chain_update(seed.to_be_bytes()).chain_update(block.to_be_bytes());
                    chunk.iter_mut().zip(hash.finalize()).for_each(|(byte, drawn)| *byte = drawn);
                }
            }
        }
        bytes
    }

    /// A number below `bound` (which is not 0), each as likely as any other.
    #[must_use]
    pub fn below(&self, bound: u32) -> u32 {
        let bound = bound.max(1);
        // The highest whole multiple: what lies above would favour small numbers.
        let fair = u32::MAX - u32::MAX % bound;
        loop {
            let drawn = u32::from_be_bytes(*self.bytes());
            if drawn < fair {
                return drawn % bound;
            }
        }
    }
}

#[expect(clippy::panic, reason = "there is no safe way to go on without the system's generator")]
fn from_system(bytes: &mut [u8]) {
    if let Err(error) = rand::rngs::SysRng.try_fill_bytes(bytes) {
        panic!("the system's generator failed: {error}");
    }
}
