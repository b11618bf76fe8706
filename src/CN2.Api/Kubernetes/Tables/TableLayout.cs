using System.Text.Json.Nodes;

namespace CN2.Api.Kubernetes.Tables;

/// <summary>How a kind is printed.</summary>
/// <param name="Columns">From left to right; the first is the one with the name, except where CN2 does otherwise.</param>
/// <param name="Cells">The cells of an object, one for each column. Pure; a member that is absent or has another form is an empty cell.</param>
internal sealed record TableLayout(IReadOnlyList<TableColumn> Columns, Func<JsonObject, TableContext, TableCell[]> Cells);
