using CN2.Api.Access;
using CN2.Api.Http;
using CN2.Api.Transport;

namespace CN2.Api.Authentication;

/// <summary>
/// Says who sends a request (docs/contract.md §7, Callers), or answers 401. A bearer token counts before a client certificate: a browser or a proxy
/// sends a certificate by itself, a token is chosen.
/// </summary>
internal sealed class CallerAuthentication(ApiTokenCallers apiTokens, CertificateUsers certificates, FailedAttempts attempts, UserTokens userTokens, TimeProvider time)
{
    private const string Realm = "Bearer realm=\"CN2\"";

    public async Task RunAsync(HttpContext http, RequestDelegate next)
    {
        if (IsOpen(http))
        {
            await next(http);
            return;
        }

        var (token, fault) = BearerToken.Read(http.Request.Headers.Authorization);
        if (fault is not null) await RefuseAsync(http, fault);
        else if (token is not null) await GoOnAsync(http, next, "the token", ApiTokenCallers.IsOne(token) ? await ProgramAsync(http, token) : await UserAsync(http, token));
        else if (http.Features.Get<PresentedCertificate>() is { } presented) await GoOnAsync(http, next, "the client certificate", User(http, presented));
        else await ChallengeAsync(http, Realm);
    }

    /// <summary>Swagger UI is no endpoint but files.</summary>
    private static bool IsOpen(HttpContext http)
    {
        var kind = Listener.KindOf(http);
        if (kind == ListenerKind.Agents) return true; // it asks for certificates of its own
        var endpoint = http.GetEndpoint();
        return endpoint is null ? kind == ListenerKind.Rest && http.Request.Path.StartsWithSegments("/swagger") : endpoint.Metadata.GetMetadata<OpenToAllAttribute>() is not null;
    }

    /// <summary>Null: the address has tried too often, and nothing is checked for it.</summary>
    private async Task<Identification?> ProgramAsync(HttpContext http, string token) =>
        apiTokens.Find(token) ?? (attempts.MayTry(http) ? await apiTokens.CheckAsync(token, http.RequestAborted) : null);

    /// <inheritdoc cref="ProgramAsync"/>
    private async Task<Identification?> UserAsync(HttpContext http, string token)
    {
        if (userTokens.Find(token) is { } known) return new Identification.Known(known);
        return attempts.MayTry(http) ? await userTokens.CheckAsync(token, http.RequestAborted) : null;
    }

    /// <inheritdoc cref="ProgramAsync"/>
    private Identification? User(HttpContext http, PresentedCertificate presented)
    {
        if (certificates.Find(presented) is { } known) return new Identification.Known(known);
        return attempts.MayTry(http) ? certificates.Check(presented) : null;
    }

    private async Task GoOnAsync(HttpContext http, RequestDelegate next, string what, Identification? found)
    {
        switch (found)
        {
            case Identification.Known { Identity: var identity }:
                http.Features.Set(identity.Caller);
                http.Features.Set(identity.Key);
                http.Features.Set(identity.Lifetime(time.GetUtcNow()));
                await next(http);
                break;
            case Identification.Undecided { Problem: var problem }:
                await ProblemResult.WriteAsync(http, problem);
                break;
            case Identification.Refused { Reason: var reason }:
                await RefuseAsync(http, $"{what} {reason}");
                break;
            default:
                await TooManyAsync(http);
                break;
        }
    }

    /// <summary>RFC 6750, 3. The reason is here and nowhere else.</summary>
    private Task RefuseAsync(HttpContext http, string reason) => ChallengeAsync(http, $"{Realm}, error=\"invalid_token\", error_description=\"{reason}\"");

    /// <summary>Every refusal costs the address an attempt, also of a request that shows nothing: nobody else's rate counts those.</summary>
    private Task ChallengeAsync(HttpContext http, string challenge)
    {
        if (!attempts.TryTake(http)) return TooManyAsync(http);
        http.Response.Headers.WWWAuthenticate = challenge;
        return ProblemResult.WriteAsync(http, ApiProblem.Unauthenticated());
    }

    private static Task TooManyAsync(HttpContext http) =>
        ProblemResult.WriteAsync(http, ApiProblem.TooManyRequests("This address has sent too many requests that do not prove who sends them; send a token or a certificate that counts.", 1));
}
