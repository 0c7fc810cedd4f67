//! Queries whose answer takes several pages.

use aws_sdk_dynamodb::operation::query::QueryOutput;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use futures::stream::try_unfold;
use futures::{Stream, TryStreamExt};
use ports::{Error, Result};

use crate::dynamo::item::Item;

/// The pages of a query, each asked for when it is wanted. An error says that it happened while `doing` this.
pub(crate) fn pages(
    query: QueryFluentBuilder,
    doing: &'static str,
) -> impl Stream<Item = Result<QueryOutput>> + Send {
    try_unfold(Some(query), move |query| async move {
        let Some(query) = query else { return Ok(None) };
        let page = query.clone().send().await.map_err(|error| Error::unavailable(doing, error))?;
        let next = page.last_evaluated_key.clone().map(|last| query.set_exclusive_start_key(Some(last)));
        Ok(Some((page, next)))
    })
}

/// All items that a query finds.
pub(crate) async fn all_items(query: QueryFluentBuilder, doing: &'static str) -> Result<Vec<Item>> {
    let pages = pages(query, doing).map_ok(|page| page.items.unwrap_or_default());
    pages.try_concat().await
}
