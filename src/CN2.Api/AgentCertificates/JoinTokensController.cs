using System.Globalization;
using System.Text.Json;
using CN2.Api.Access;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Api.Options;
using CN2.Api.Secrets;
using CN2.Api.Writes;
using Microsoft.AspNetCore.Mvc;

namespace CN2.Api.AgentCertificates;

/// <summary>Join tokens, by which nodes become VirtualRouters.</summary>
[ApiController]
[Tags("VirtualRouters")]
[Route("v1/virtual-routers/{name}:join-token")]
[AccessTarget(AccessResource.JoinTokens)]
public sealed class JoinTokensController : ControllerBase
{
    /// <summary>
    /// Makes a join token for the agent of a VirtualRouter, which must exist. It counts once, and for an hour; only its SHA-256 is kept. A token that was made
    /// before for the same VirtualRouter is worth nothing from now on.
    /// </summary>
    [HttpPost(Name = "CreateJoinToken")]
    [ProducesResponseType<JoinTokenBody>(200)]
    public async Task<IActionResult> Create(
        string name, [FromServices] WritePipeline writes, [FromServices] IJoinTokens tokens, [FromServices] ListenerOptions listen, [FromServices] AgentOptions agents,
        CancellationToken cancellationToken)
    {
        string caHash;
        try
        {
            caHash = await tokens.CaHashAsync(cancellationToken);
        }
        catch (SecretsLockedException e)
        {
            return new ProblemResult(ApiProblem.Unavailable() with { Detail = e.Message });
        }

        var secret = JoinToken.New();
        var isNew = false;
        var answered = await writes.ExecuteAsync(HttpContext, async (scope, ct) =>
        {
            isNew = true;
            var expiresAt = scope.Now + JoinToken.Life;
            // The answer is kept for an Idempotency-Key, so the secret comes into it afterwards.
            return await tokens.TryReplaceAsync(scope.Connection, name, JoinToken.Hash(secret), expiresAt, ct)
                ? new WriteOutcome.Done(new JoinTokenBody(null, expiresAt, caHash, CommandOf("TOKEN", caHash, listen, agents)))
                : ApiProblem.NotFound($"VirtualRouter {name}");
        });
        var isDryRun = Request.Query["dryRun"] is ["true"];
        if (!isNew || isDryRun || answered is not Answer { Status: StatusCodes.Status200OK } answer) return answered;
        var made = JsonSerializer.Deserialize<JoinTokenBody>(answer.Body.Span, ApiJson.Options)!;
        return Answer.Json(StatusCodes.Status200OK, made with { Token = secret, Command = CommandOf(secret, caHash, listen, agents) });
    }

    /// <summary>Somebody runs this in a shell, so the host of the request counts only where it is one.</summary>
    private string CommandOf(string token, string caHash, ListenerOptions listen, AgentOptions agents)
    {
        var given = Request.Host.Host;
        var host = Uri.CheckHostName(given.Trim('[', ']')) == UriHostNameType.Unknown ? Environment.MachineName : given;
        // The CA that the server makes itself never stands behind its own certificate.
        var caFile = agents.CaPath is null ? " --ca-file ca.pem" : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"cn2-vrouter join --server https://{host}:{listen.GrpcUrl.Port} --token {token} --ca-hash {caHash} --state-dir /var/lib/cn2-vrouter{caFile}");
    }
}
