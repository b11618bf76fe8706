using System.Security.Cryptography;
using Microsoft.Extensions.Primitives;

namespace CN2.Api.Http;

/// <summary>A document that stays as it is while the server runs, as it is sent. Clients keep it and ask again with its ETag.</summary>
/// <param name="ContentType">Of the answer.</param>
/// <param name="Bytes">The document.</param>
public sealed record ApiDocument(string ContentType, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>A client asks each time whether it has changed.</summary>
    public const string Revalidated = "no-cache, private";

    /// <summary>SHA-256 of the bytes in capital hexadecimal digits: the hash in the index, and between quotes the ETag.</summary>
    public string Hash { get; } = Convert.ToHexString(SHA256.HashData(Bytes.Span));

    /// <summary>Answers a GET: with the document, or with 304 when the client has it.</summary>
    /// <param name="http">The request.</param>
    /// <param name="cacheControl">How long the client may keep it without asking.</param>
    internal Task WriteAsync(HttpContext http, string cacheControl = Revalidated)
    {
        var response = http.Response;
        var tag = $"\"{Hash}\"";
        response.Headers.ETag = tag;
        response.Headers.CacheControl = cacheControl;
        if (Matches(http.Request.Headers.IfNoneMatch, tag))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }

        response.ContentType = ContentType;
        response.ContentLength = Bytes.Length;
        return response.Body.WriteAsync(Bytes, http.RequestAborted).AsTask();
    }

    /// <summary>Weak and strong tags are the same here: only GET asks.</summary>
    private static bool Matches(StringValues given, string tag) =>
        given.ToString().Split(',', StringSplitOptions.TrimEntries).Any(t => t == "*" || (t.StartsWith("W/", StringComparison.Ordinal) ? t[2..] : t) == tag);
}
