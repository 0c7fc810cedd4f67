//! The OpenAPI document of the public interface, made from the types and routes. A test holds the committed document against it.

use std::path::Path;

use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "quikly-braze",
        version = "1",
        description = "What pages and the brand's back end call. The front end's page says more.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    paths(
        crate::participations::accept,
        crate::participations::shown::show,
        crate::activations::show,
        crate::incentives::show,
    ),
    tags((name = "public", description = "For pages."))
)]
struct PublicInterface;

#[test]
fn the_committed_document_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let made = PublicInterface::openapi().to_pretty_json().unwrap() + "\n";
    if std::env::var_os("WRITE_OPENAPI").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == made, "run WRITE_OPENAPI=1 cargo test -p intake openapi");
}
