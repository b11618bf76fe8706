using System.Net;
using CN2.Api.Access;
using CN2.Network.Addressing;

namespace CN2.Api.Audit;

/// <summary>Who asked for a write, from where, by which request. One for each request.</summary>
public sealed class AuditOrigin
{
    /// <summary>The kind of a caller that did not prove who it is.</summary>
    internal const string Unknown = "Unknown";

    /// <summary>A dry run of a whole collection names no more objects.</summary>
    private const int MostDryRuns = 100;

    private readonly List<AuditEntry> _dryRuns = [];

    /// <summary>How the caller said who it is, such as <c>User</c>; <c>Cli</c>: somebody at the database, through this program.</summary>
    public required string CallerKind { get; init; }

    public required string CallerName { get; init; }

    /// <summary>The caller's address; null: a unix socket, or no request.</summary>
    public IPAddress? Source { get; init; }

    /// <summary><see cref="RequestIds"/>.</summary>
    public required string RequestId { get; init; }

    public required string Method { get; init; }

    /// <summary>Without the query.</summary>
    public required string Path { get; init; }

    /// <summary>What the path names.</summary>
    public AuditTarget Target { get; init; }

    /// <summary>A transaction has written entries of this request.</summary>
    internal bool IsRecorded { get; set; }

    /// <summary>What the request would have written without <c>dryRun</c>.</summary>
    internal IReadOnlyList<AuditEntry> DryRuns => _dryRuns;

    /// <summary>Of a request whose caller is known.</summary>
    public static AuditOrigin Of(HttpContext http)
    {
        if (http.Features.Get<AuditOrigin>() is { } known) return known;
        var caller = Caller.Find(http);
        var origin = new AuditOrigin
        {
            CallerKind = caller?.Kind.ToString() ?? Unknown,
            CallerName = AuditText.Clean(caller?.Name ?? "unknown", AuditText.LongName)!,
            Source = SourceOf(http),
            RequestId = RequestIds.Of(http),
            Method = http.Request.Method,
            Path = PathOf(http, isStranger: caller is null),
            Target = AuditTarget.Of(http),
        };
        http.Features.Set(origin);
        return origin;
    }

    /// <summary>Of an agent that asks for a certificate.</summary>
    /// <param name="http">The call.</param>
    /// <param name="action">Such as <c>join</c>.</param>
    /// <param name="virtualRouter">Which VirtualRouter the agent is; null: it has not proved it.</param>
    /// <param name="claimed">Which one it says it is.</param>
    internal static AuditOrigin OfAgent(HttpContext http, string action, string? virtualRouter, string? claimed = null) =>
        new()
        {
            CallerKind = virtualRouter is null ? Unknown : "Agent",
            CallerName = virtualRouter ?? "unknown",
            Source = SourceOf(http),
            RequestId = RequestIds.New(),
            Method = http.Request.Method,
            Path = PathOf(http, isStranger: true),
            Target = new AuditTarget("virtual-routers", null, virtualRouter ?? AuditText.Clean(claimed is { Length: > 0 } ? claimed : null, AuditText.LongName), action),
        };

    /// <summary>Of a command of this program at the database, such as <c>token create</c>.</summary>
    public static AuditOrigin OfCommand(string command) =>
        new() { CallerKind = "Cli", CallerName = "cli", RequestId = RequestIds.New(), Method = "CLI", Path = command };

    /// <summary>Of a request that the audit log has an entry of no longer, because it was long ago.</summary>
    public static AuditOrigin OfForgotten(string method, string path) =>
        new() { CallerKind = Unknown, CallerName = "unknown", RequestId = RequestIds.New(), Method = method, Path = AuditText.Clean(path, AuditText.LongPath)! };

    private static IPAddress? SourceOf(HttpContext http) => http.Connection.RemoteIpAddress?.Unmapped();

    /// <summary>A stranger fills no table by long paths.</summary>
    private static string PathOf(HttpContext http, bool isStranger) => AuditText.Clean(http.Request.Path.Value ?? "/", isStranger ? AuditText.StrangersPath : AuditText.LongPath)!;

    internal void AddDryRuns(IEnumerable<AuditEntry> entries) => _dryRuns.AddRange(entries.Take(MostDryRuns - _dryRuns.Count));
}
