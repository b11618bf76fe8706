using System.Text.Json;
using CN2.Api.Data.Documents;
using CN2.Api.Drivers;
using CN2.Network.Collections;

namespace CN2.Api.Reconcile;

/// <summary>The BGP sessions of a control node as the column <c>control_node.sessions</c> stores them: BgpRouter name → session.</summary>
internal static class SessionDocument
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public static string Write(IEnumerable<BgpSession> sessions) => JsonSerializer.Serialize(
        sessions.ToDictionary(
            s => s.Peer,
            s => new KeptBgpSession(s.State, s.Since, [.. s.Families], s.AddPath, s.Advertised, s.Received, s.LastError) { Withheld = s.Withheld }),
        Json);

    public static IReadOnlyList<BgpSession> Read(string document) =>
        [.. JsonSerializer.Deserialize<Dictionary<string, KeptBgpSession>>(document, Json)!.Select(e => new BgpSession(
            e.Key, e.Value.State, e.Value.Since ?? default, (e.Value.Families ?? []).ToEquatableList(), e.Value.AddPath, e.Value.Advertised, e.Value.Received, e.Value.LastError) { Withheld = e.Value.Withheld })];
}
