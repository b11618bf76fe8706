using System.Text.Json.Serialization;

namespace CN2.Api.Data.Documents;

/// <summary>A session as a control node writes it into <c>control_node.sessions</c>, an object keyed by BgpRouter name.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Skip)]
public sealed record KeptBgpSession(
    string State, DateTimeOffset? Since, IReadOnlyList<string>? Families, bool AddPath, long Advertised, long Received, string? LastError)
{
    /// <summary>Prefixes that the router's limit keeps from it.</summary>
    public long Withheld { get; init; }
}
