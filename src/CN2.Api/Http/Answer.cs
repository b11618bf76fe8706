using System.Text.Json;
using CN2.Api.Data;
using CN2.Api.Json;
using Microsoft.AspNetCore.Mvc;

namespace CN2.Api.Http;

/// <summary>A JSON answer with the headers of docs/contract.md §2. The answer to a repeated Idempotency-Key is made from the stored one.</summary>
public sealed class Answer : IActionResult
{
    /// <summary>What the server's buffers take at once, whatever the client does.</summary>
    private const int Buffered = 32 * 1024;

    private readonly ReadOnlyMemory<byte> _body;

    private Answer(int status, ReadOnlyMemory<byte> body, string? etag, string? location)
    {
        Status = status;
        _body = body;
        ETag = etag;
        Location = location;
    }

    public int Status { get; }
    public string? ETag { get; }
    public string? Location { get; }
    internal ReadOnlyMemory<byte> Body => _body;

    /// <summary>A resource, with its ETag.</summary>
    public static Answer Resource(int status, ResourceBody resource) =>
        new(status, JsonSerializer.SerializeToUtf8Bytes(resource, resource.GetType(), ApiJson.Options), EntityTag.Of(resource.Generation),
            status == StatusCodes.Status201Created ? resource.Path : null);

    /// <summary>Any other body, such as a page.</summary>
    public static Answer Json<T>(int status, T body) => new(status, ApiJson.Bytes(body), null, null);

    public static Answer NoContent { get; } = new(StatusCodes.Status204NoContent, default, null, null);

    internal static Answer Kept(int status, ReadOnlyMemory<byte> body, string? etag, string? location) => new(status, body, etag, location);

    public async Task ExecuteResultAsync(ActionContext context)
    {
        if (!AnswerTurn.TryTake(context.HttpContext)) return;
        // A client may take its time to read a large answer; the connection to the database is for others meanwhile.
        if (_body.Length > Buffered) await SqlConnections.GiveBackAsync(context.HttpContext.RequestServices);
        var response = context.HttpContext.Response;
        response.StatusCode = Status;
        if (ETag is not null) response.Headers.ETag = ETag;
        if (Location is not null) response.Headers.Location = Location;
        if (_body.IsEmpty) return;
        response.ContentType = "application/json";
        response.ContentLength = _body.Length;
        if (!HttpMethods.IsHead(context.HttpContext.Request.Method))
            await response.BodyWriter.WriteAsync(_body, context.HttpContext.RequestAborted);
    }
}
