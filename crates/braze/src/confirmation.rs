//! Whether Braze says that a request succeeded. A 2xx alone does not prove it: proxies answer with pages, and
//! Braze was seen to answer 200 with `{"message": "failure"}`.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Deserialize;

use crate::error::{Error, message};
use crate::redact::Redactor;

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestPurpose {
    /// The request reads data.
    Reading,
    /// The request changes data. During maintenance Braze only queues such a request, and answers 202 with
    /// `queued`.
    Writing,
}

#[derive(Deserialize)]
struct ConfirmationBody {
    message: String,
}

/// Accepts any 2xx with `message: "success"`: Braze documents 200 and sends 201.
pub(crate) fn confirmed(
    response: Response<Bytes>,
    purpose: RequestPurpose,
    redactor: &Redactor<'_>,
) -> Result<Response<Bytes>, Error> {
    let status = response.status();
    if !status.is_success() {
        return Err(Error::of_status(&response, redactor));
    }
    // Serde would read an array as an object's fields in order.
    if !response.body().trim_ascii_start().starts_with(b"{") {
        return Err(Error::Unreadable);
    }
    let said: ConfirmationBody = serde_json::from_slice(response.body()).map_err(|_| Error::Unreadable)?;
    let queued =
        purpose == RequestPurpose::Writing && status == StatusCode::ACCEPTED && said.message == "queued";
    if said.message == "success" || queued {
        Ok(response)
    } else {
        Err(Error::Unconfirmed { status, message: redactor.clean(&message(response.body())) })
    }
}
