//! One HTTP answer, read from a connection that is kept open.

use anyhow::{Context, ensure};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// An answer: its head, and its body as far as it announces one.
pub(crate) struct ReadAnswer<'b> {
    pub(crate) head: &'b str,
    pub(crate) body: &'b str,
}

impl<'b> ReadAnswer<'b> {
    /// The answer in what was read so far; `None` if there is more to come. A 304 has no body.
    fn of(so_far: &'b str) -> anyhow::Result<Option<Self>> {
        let Some((head, body)) = so_far.split_once("\r\n\r\n") else { return Ok(None) };
        let answer = Self { head, body };
        if answer.has_status(304) {
            return Ok(Some(answer));
        }
        let length: usize = answer.header("content-length").context("no length")?.parse()?;
        Ok((body.len() >= length).then_some(answer))
    }

    /// Whether the answer has this status.
    pub(crate) fn has_status(&self, status: u16) -> bool {
        self.head.split(' ').nth(1).is_some_and(|named| named.parse() == Ok(status))
    }

    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&'b str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// Reads one answer.
///
/// # Errors
/// When the connection ends, or the answer is longer than the buffer or no text.
pub(crate) async fn read<'b>(stream: &mut TcpStream, buffer: &'b mut [u8]) -> anyhow::Result<ReadAnswer<'b>> {
    let mut read = 0;
    loop {
        let room = buffer.get_mut(read..).filter(|room| !room.is_empty()).context("an answer over 4 KiB")?;
        let more = stream.read(room).await?;
        ensure!(more > 0, "the connection was closed");
        read += more;
        if ReadAnswer::of(std::str::from_utf8(buffer.get(..read).unwrap_or_default())?)?.is_some() {
            break;
        }
    }
    let whole = std::str::from_utf8(buffer.get(..read).unwrap_or_default())?;
    ReadAnswer::of(whole)?.context("an answer")
}
