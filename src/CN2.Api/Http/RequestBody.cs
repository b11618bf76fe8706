using System.Buffers;
using System.Security.Cryptography;
using CN2.Network.Resources;

namespace CN2.Api.Http;

/// <summary>The body of a request, read once up to a limit. It is stored with the request, because the Idempotency-Key needs its hash.</summary>
public sealed class RequestBody
{
    /// <summary>The most bytes that the body of this request may have.</summary>
    public static int LimitOf(HttpRequest request) =>
        request.Path.Value?.EndsWith(":batch", StringComparison.Ordinal) == true ? Limits.BatchBody : Limits.Body;

    private RequestBody(ReadOnlyMemory<byte> bytes) => Bytes = bytes;

    public ReadOnlyMemory<byte> Bytes { get; }

    public byte[] Hash() => SHA256.HashData(Bytes.Span);

    /// <summary>
    /// Reads the body; null when it is larger than <see cref="LimitOf"/>. The rest of a larger body is read, up to the server's own limit, and
    /// dropped, so that a client that is still sending gets the answer and not a broken connection.
    /// </summary>
    public static async Task<RequestBody?> ReadAsync(HttpContext http)
    {
        if (http.Features.Get<RequestBody>() is { } known) return known;
        var reader = http.Request.BodyReader;
        var limit = LimitOf(http.Request);
        var tooLarge = false;
        while (true)
        {
            var result = await reader.ReadAsync(http.RequestAborted);
            if (result.Buffer.Length > limit) tooLarge = true;
            if (result.IsCompleted)
            {
                if (tooLarge)
                {
                    reader.AdvanceTo(result.Buffer.End);
                    return null;
                }

                var body = new RequestBody(result.Buffer.ToArray());
                reader.AdvanceTo(result.Buffer.End);
                http.Features.Set(body);
                return body;
            }

            if (tooLarge) reader.AdvanceTo(result.Buffer.End);
            else reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }
}
