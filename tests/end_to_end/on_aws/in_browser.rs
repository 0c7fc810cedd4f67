//! A page with the element, whose server is the deployed functions.

use super::stack::{Stack, free_port, page_port};
use crate::browser::in_chromium;

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_takes_part_on_a_page_and_sees_the_code() {
    let stack = Stack::get().await;
    let (server, page) = (format!("http://127.0.0.1:{}", free_port()), page_port().to_string());
    let (emulator, host) = stack.participation_api();
    let variables = [
        ("SERVER", server.as_str()),
        ("ORIGIN_PORT", &page),
        ("EMULATOR", emulator),
        ("FUNCTION_HOST", host),
    ];
    println!("{}", in_chromium("aws.mjs", &variables).await);
}
