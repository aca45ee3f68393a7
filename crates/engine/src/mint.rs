//! New ids from one seed.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use updraft_model::Mint;
use uuid::Uuid;

/// UUIDs (version 4) of a cryptographic generator: the same seed gives the same ids.
#[derive(Debug, Clone)]
pub struct SeededMint(ChaCha8Rng);

impl SeededMint {
    /// A mint that draws from `seed`.
    pub fn new(seed: [u8; 32]) -> Self {
        Self(ChaCha8Rng::from_seed(seed))
    }
}

impl Mint for SeededMint {
    fn uuid(&mut self) -> Uuid {
        let mut bytes = [0; 16];
        self.0.fill_bytes(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }
}
