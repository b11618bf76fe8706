using CN2.Api.Tests.Fixtures;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Kubernetes;

/// <summary>The real server with both doors: <c>/v1</c>, and the Kubernetes API on a free port of its own.</summary>
public class KubernetesServer(PrivatePostgres postgres) : ApiServer(postgres)
{
    private HttpClient? _kubernetes;

    protected override string[] Settings => ["--Kubernetes:Url", "http://127.0.0.1:0"];

    /// <summary>A client of the Kubernetes API. The listeners are in the order of the settings, and its own is the last.</summary>
    public HttpClient Kubernetes => _kubernetes ??= new HttpClient
    {
        BaseAddress = new Uri(Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Last()),
    };

    public override async ValueTask DisposeAsync()
    {
        _kubernetes?.Dispose();
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
