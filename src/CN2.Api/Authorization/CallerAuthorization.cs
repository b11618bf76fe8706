using CN2.Api.Access;
using CN2.Api.Http;
using CN2.Api.Options;

namespace CN2.Api.Authorization;

/// <summary>
/// Says what the caller of a request may do, and refuses what it may not (403), before anybody looks into the database: the answer is the same whether or
/// not the thing exists. What has no rule is refused.
/// </summary>
internal sealed class CallerAuthorization(AccessState state, AuthOptions auth)
{
    public Task RunAsync(HttpContext http, RequestDelegate next)
    {
        // What is no route answers 404, 405 or a file of Swagger UI, whoever asks. Agents are admitted by their certificates.
        if (http.GetEndpoint() is not RouteEndpoint { Metadata: var metadata } || Listener.KindOf(http) == ListenerKind.Agents) return next(http);
        if (metadata.GetMetadata<OpenToAllAttribute>() is not null) return next(http);

        var caller = Caller.Find(http);
        if (caller is null)
        {
            // Whoever did not say who it is has been refused by now; nobody is let through although that was forgotten.
            if (auth.IsRequired) return ProblemResult.WriteAsync(http, ApiProblem.Unauthenticated());
            http.Features.Set(caller = Caller.Anonymous);
        }

        var rights = state.Current.RightsOf(caller);
        http.Features.Set(rights);
        if (metadata.GetMetadata<OpenToCallersAttribute>() is not null) return next(http);
        if (metadata.GetMetadata<AccessTargetAttribute>() is not { } target) return ProblemResult.WriteAsync(http, ApiProblem.Forbidden($"{caller} may not do this: no rule says who may."));
        var (verb, ns) = (target.VerbOf(http), target.NamespaceOf(http));
        var isRefused = target.IsNamespaceInBody(http) ? !AccessRules.MaySomewhere(rights, verb, target.Resource) : AccessRules.Decide(rights, verb, target.Resource, ns) == AccessDecision.Refused;
        return isRefused
            ? ProblemResult.WriteAsync(http, ApiProblem.Forbidden(caller, verb, target.Resource, ns))
            : next(http);
    }
}
