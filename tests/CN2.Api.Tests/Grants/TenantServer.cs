using CN2.Api.Access;
using CN2.Api.Tests.Fixtures;
using CN2.Api.Tests.Kubernetes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Grants;

/// <summary>The real server, for both doors; a request with the header <see cref="Editor"/> comes from an editor of all namespaces, others from somebody who may do everything.</summary>
public sealed class TenantServer(PrivatePostgres postgres) : KubernetesServer(postgres), IAsyncLifetime
{
    public const string Editor = "Test-Editor";

    async ValueTask IAsyncLifetime.InitializeAsync()
    {
        await InitializeAsync();
        (await PutAsync("/v1/role-bindings/editor", """{"subjects":[{"kind":"User","name":"editor"}],"role":"editor","namespaces":["*"]}""")).Expect(201);
    }

    protected override void Replace(IServiceCollection services)
    {
        base.Replace(services);
        services.AddSingleton<IStartupFilter, CallerOfHeader>();
    }

    private sealed class CallerOfHeader : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use((http, rest) =>
            {
                if (http.Request.Headers.ContainsKey(Editor)) http.Features.Set(new Caller(CallerKind.User, "editor", []));
                return rest(http);
            });
            next(app);
        };
    }
}
