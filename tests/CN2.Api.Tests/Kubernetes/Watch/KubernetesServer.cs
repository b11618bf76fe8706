using CN2.Api.Tests.Fixtures;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Kubernetes.Watch;

/// <summary>The real server with its Kubernetes API on a free port.</summary>
public sealed class KubernetesServer(PrivatePostgres postgres) : ApiServer(postgres)
{
    protected override string[] Settings => ["--Kubernetes:Url", "http://127.0.0.1:0"];

    /// <summary>The port of the Kubernetes API is the one that knows /api/v1/namespaces.</summary>
    public async Task<HttpClient> KubernetesAsync()
    {
        foreach (var address in Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses)
        {
            var client = new HttpClient { BaseAddress = new Uri(address) };
            try
            {
                if ((await client.GetAsync("/api/v1/namespaces")).IsSuccessStatusCode) return client;
            }
            catch (HttpRequestException)
            {
                // The port of the agents speaks HTTP/2 alone.
            }

            client.Dispose();
        }

        throw new InvalidOperationException("No listener serves the Kubernetes API");
    }
}
