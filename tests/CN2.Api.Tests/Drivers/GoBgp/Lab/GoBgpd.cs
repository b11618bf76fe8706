using CN2.Api.Drivers.GoBgp;
using CN2.Api.Drivers.GoBgp.Wire;
using Grpc.Net.Client;

namespace CN2.Api.Tests.Drivers.GoBgp.Lab;

/// <summary>A real gobgpd in the lab's control namespace, its API on a unix socket; started bare.</summary>
internal sealed class GoBgpd : IDisposable
{
    private readonly BgpLab _lab;
    private readonly string _socket;
    private readonly RunningProcess _process;
    private GrpcChannel? _channel;

    public GoBgpd(BgpLab lab, string name = "gobgp", string? ns = null)
    {
        _lab = lab;
        _socket = System.IO.Path.Combine(lab.Directory, name + ".sock");
        Namespace = ns ?? lab.Control;
        _process = new("ip", "netns", "exec", Namespace, "gobgpd", "--pprof-disable", "--log-level", "info", "--api-hosts", Address);
    }

    public string Namespace { get; }

    public string Address => "unix://" + _socket;

    public int Id => _process.Id;

    public string Output => _process.Output;

    /// <summary>For doing by hand what an operator might do behind the server's back.</summary>
    public GobgpApi.GobgpApiClient ByHand => new(_channel ??= GoBgpChannel.Open(new Uri(Address)));

    public void Kill() => _process.Kill();

    public void Start()
    {
        File.Delete(_socket);
        _process.Start();
    }

    public void Dispose()
    {
        _channel?.Dispose();
        _process.Dispose();
    }
}
