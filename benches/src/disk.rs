//! The present speed of the disk.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// How many writes a probe makes.
const WRITES: usize = 40;

/// The median time of appending a page to a file in `directory` and syncing it.
///
/// # Errors
/// When the file cannot be written.
pub fn probe(directory: &Path) -> std::io::Result<Duration> {
    let mut file = File::create(directory.join("probe"))?;
    let mut times = Vec::with_capacity(WRITES);
    for _ in 0..WRITES {
        let started = Instant::now();
        file.write_all(&[7; 4_096])?;
        file.sync_data()?;
        times.push(started.elapsed());
    }
    times.sort_unstable();
    Ok(times.get(WRITES / 2).copied().unwrap_or_default())
}
