namespace CN2.Api.Data.Rows;

public sealed class NamespaceRow : ResourceRow;
