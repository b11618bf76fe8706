using System.Buffers;
using System.Security.Cryptography;

namespace CN2.Api.Http;

/// <summary>A request's body, read once and bounded; kept with the request for the Idempotency-Key's hash.</summary>
public sealed class RequestBody
{
    /// <summary>4 MiB: a batch of 1000 endpoints with labels fits several times.</summary>
    public const int Limit = 4 * 1024 * 1024;

    private RequestBody(ReadOnlyMemory<byte> bytes) => Bytes = bytes;

    public ReadOnlyMemory<byte> Bytes { get; }

    public byte[] Hash() => SHA256.HashData(Bytes.Span);

    /// <summary>
    /// Reads it; null when it is larger than <see cref="Limit"/>. What is too much is still read (up to the server's own limit) and
    /// thrown away, so that the client, busy sending, gets the answer instead of a broken connection.
    /// </summary>
    public static async Task<RequestBody?> ReadAsync(HttpContext http)
    {
        if (http.Features.Get<RequestBody>() is { } known) return known;
        var reader = http.Request.BodyReader;
        var tooLarge = false;
        while (true)
        {
            var result = await reader.ReadAsync(http.RequestAborted);
            if (result.Buffer.Length > Limit) tooLarge = true;
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
