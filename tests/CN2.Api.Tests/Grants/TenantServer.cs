using System.Collections.Frozen;
using CN2.Api.Access;
using CN2.Api.Tests.Kubernetes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Grants;

/// <summary>The real server, for both doors; a request with the header <see cref="Editor"/> comes from an editor of all namespaces, others from an operator.</summary>
public sealed class TenantServer(Fixtures.PrivatePostgres postgres) : KubernetesServer(postgres)
{
    public const string Editor = "Test-Editor";

    protected override void Replace(IServiceCollection services)
    {
        base.Replace(services);
        services.AddSingleton<IStartupFilter, Rights>();
    }

    private sealed class Rights : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use((http, rest) =>
            {
                if (http.Request.Headers.ContainsKey(Editor)) http.Features.Set(new CallerRights(Role.Editor, FrozenDictionary<string, Role>.Empty));
                return rest(http);
            });
            next(app);
        };
    }
}
