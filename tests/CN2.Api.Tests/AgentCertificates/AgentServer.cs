using System.Net;
using CN2.Api.Tests.Fixtures;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.AgentCertificates;

/// <summary>The real server, whose agents' port is https and asks for certificates. REST is plain.</summary>
public class AgentServer(PrivatePostgres postgres) : ApiServer(postgres), IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new("cn2-agents-");

    /// <summary>Of the server's own certificate.</summary>
    public TestAuthority Authority { get; } = new();

    /// <summary>PEM file with the root of <see cref="Authority"/>.</summary>
    public string CaPath => Path.Combine(_directory.Path, "ca.pem");

    public Uri Agents => new(Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.ElementAt(1));

    protected virtual string Mode => "required";

    protected override string[] Settings =>
    [
        "--Grpc:Url", "https://127.0.0.1:0", "--Grpc:Certificate:Path", Path.Combine(_directory.Path, "grpc.pem"), "--Grpc:Certificate:KeyPath", Path.Combine(_directory.Path, "grpc.key"),
        "--Agents:Mode", Mode,
    ];

    async ValueTask IAsyncLifetime.InitializeAsync()
    {
        await File.WriteAllTextAsync(CaPath, Authority.RootPem);
        var (certificate, key) = Authority.Issue();
        await File.WriteAllTextAsync(Path.Combine(_directory.Path, "grpc.pem"), certificate);
        await File.WriteAllTextAsync(Path.Combine(_directory.Path, "grpc.key"), key);
        await InitializeAsync();
    }

    /// <summary>Another replica, with the same database.</summary>
    public async Task<AgentServer> ReplicaAsync()
    {
        var replica = new Replica(ConnectionString);
        await ((IAsyncLifetime)replica).InitializeAsync();
        return replica;
    }

    /// <summary>Makes a VirtualRouter and a join token for it.</summary>
    public async Task<(string Token, string CaHash)> TokenAsync(string name, IPAddress address)
    {
        var made = await PutAsync($"/v1/virtual-routers/{name}", new { address = address.ToString() });
        Assert.True(made.Status is 200 or 201, made.Text);
        var reply = await PostAsync($"/v1/virtual-routers/{name}:join-token", "");
        Assert.True(reply.Status == 200, reply.Text);
        return ((string)reply.Json!["token"]!, (string)reply.Json!["caHash"]!);
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        Authority.Dispose();
        _directory.Dispose();
        GC.SuppressFinalize(this);
    }

    private sealed class Replica(string database) : AgentServer(null!)
    {
        protected override Task<string> DatabaseAsync() => Task.FromResult(database);

        protected override string[] Settings => [.. base.Settings, "--ControlNode:Name", "other"];
    }
}
