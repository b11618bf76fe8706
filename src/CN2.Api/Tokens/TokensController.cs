using System.Text.Json;
using CN2.Api.Access;
using CN2.Api.Authentication;
using CN2.Api.Data;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Api.Writes;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace CN2.Api.Tokens;

/// <summary>API tokens, by which programs say who they are.</summary>
[ApiController]
[AccessTarget(AccessResource.Tokens)]
[Tags("Tokens")]
[Route("v1/tokens")]
public sealed class TokensController(CN2DbContext db, TokenStore store, WritePipeline writes, TimeProvider time) : ControllerBase
{
    /// <summary>Lists API tokens, without their secrets.</summary>
    [HttpGet(Name = "ListTokens")]
    [ProducesResponseType<Page<TokenResource>>(200)]
    public async Task<IActionResult> List(CancellationToken cancellationToken)
    {
        var (query, refused) = ListQuery.Read(Request);
        if (refused is not null) return new ProblemResult(refused);
        var rows = await db.ApiTokens.PageAsync(query!, cancellationToken);
        return Answer.Json(200, query!.ToPage(rows.ConvertAll(store.ToResource), t => (null, t.Name)));
    }

    /// <summary>
    /// Creates an API token. The member `token` of this answer is the secret: only its SHA-256 is kept, so nobody sees it a second time. A repeat with the same
    /// `Idempotency-Key` gets the answer without the secret, and so does a dry run.
    /// </summary>
    [HttpPost(Name = "CreateToken")]
    [ProducesResponseType<TokenResource>(201)]
    public async Task<IActionResult> Create(TokenRequest request)
    {
        var secret = TokenSecret.New();
        // The uid tells whether the answer is of this request's token: it may be the kept one of an earlier request.
        var uid = Guid.CreateVersion7(time.GetUtcNow());
        request.KnownUid = uid;
        var answered = await writes.ExecuteAsync(HttpContext, (scope, ct) => store.CreateAsync(scope, request, TokenSecret.Hash(secret), ct));
        if (Request.Query.ContainsKey("dryRun") || answered is not Answer { Status: StatusCodes.Status201Created } answer) return answered;
        await RefreshAsync();
        var made = JsonSerializer.Deserialize<TokenResource>(answer.Body.Span, ApiJson.Options)!;
        return made.Uid == uid ? Answer.Resource(StatusCodes.Status201Created, made with { Token = secret }) : answered;
    }

    /// <summary>Reads an API token, without its secret.</summary>
    [HttpGet("{name}", Name = "GetToken")]
    [ProducesResponseType<TokenResource>(200)]
    public async Task<IActionResult> Get(string name, CancellationToken cancellationToken) =>
        await db.ApiTokens.SingleOrDefaultAsync(t => t.Name == name, cancellationToken) is { } row
            ? Answer.Resource(200, store.ToResource(row))
            : new ProblemResult(ApiProblem.NotFound(Named(name)));

    /// <summary>Deletes an API token. Within a second it is worth nothing at any control node, and the watches that it has open end.</summary>
    [HttpDelete("{name}", Name = "DeleteToken")]
    [ProducesResponseType(204)]
    public async Task<IActionResult> Delete(string name)
    {
        var answer = await writes.DeleteAsync(HttpContext, Named(name), (scope, ct) => store.LockAsync(scope, name, ct), store.DeleteAsync);
        await RefreshAsync();
        return answer;
    }

    /// <summary>What this replica has changed counts here at once.</summary>
    private Task RefreshAsync() => HttpContext.RequestServices.GetRequiredService<KnownTokens>().RefreshAsync(HttpContext.RequestAborted);

    private static string Named(string name) => $"Token {name}";
}
