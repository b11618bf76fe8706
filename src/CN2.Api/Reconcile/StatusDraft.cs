using System.Text.Json.Nodes;
using CN2.Api.Data.Rows;

namespace CN2.Api.Reconcile;

/// <summary>A status as it should read, without the times of its conditions: those come from what is already written.</summary>
/// <param name="IsNews">Conditions that move are told as events; what a Service holds is told with the Service.</param>
public sealed record StatusDraft(ResourceKind Kind, Guid Uid, JsonObject Document, bool IsNews)
{
    /// <summary>Equal drafts have equal texts: members are in declared order.</summary>
    public string Text { get; } = Document.ToJsonString();
}
