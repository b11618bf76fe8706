using System.Text;
using System.Text.Json;
using CN2.Api.Kubernetes.Statuses;

namespace CN2.Api.Kubernetes.Watch;

/// <summary>The lines of a watch: one JSON document each, <c>{"type":"ADDED","object":…}</c>.</summary>
internal static class WatchLines
{
    public const string Added = "ADDED";
    public const string Modified = "MODIFIED";
    public const string Deleted = "DELETED";
    public const string Bookmark = "BOOKMARK";
    public const string Error = "ERROR";

    public static async ValueTask WriteAsync(Stream body, string type, ReadOnlyMemory<byte> shown, CancellationToken ct)
    {
        await body.WriteAsync(Encoding.ASCII.GetBytes($"{{\"type\":\"{type}\",\"object\":"), ct);
        await body.WriteAsync(shown, ct);
        await body.WriteAsync("}\n"u8.ToArray(), ct);
    }

    /// <summary>The Status of a watch that cannot go on: the client lists again.</summary>
    public static byte[] Expired(string message) => JsonSerializer.SerializeToUtf8Bytes(FailureStatus.Expired(message).ToJson());
}
