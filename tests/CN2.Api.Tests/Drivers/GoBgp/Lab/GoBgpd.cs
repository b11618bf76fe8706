using CN2.Api.Drivers.GoBgp;
using CN2.Api.Drivers.GoBgp.Wire;
using Grpc.Net.Client;

namespace CN2.Api.Tests.Drivers.GoBgp.Lab;

/// <summary>A real gobgpd without configuration in the lab's control namespace, its API on a unix socket.</summary>
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

    /// <summary>For what an operator may do by hand, past the server.</summary>
    public GobgpApi.GobgpApiClient ByHand => new(_channel ??= GoBgpChannel.Open(new Uri(Address)));

    /// <summary>A socket of this process that listens in the engine's namespace, where "loopback" is the engine's.</summary>
    public System.Net.Sockets.Socket Listen(System.Net.IPAddress address)
    {
        using var thread = new NamespaceThread(Namespace);
        return thread.Run(() => BmpStation.Listen(address));
    }

    /// <summary>TCP segments that the kernel of its namespace dropped because of a wrong MD5 key (RFC 2385).</summary>
    public long Md5Failures()
    {
        var lines = Command.Run("ip", "netns", "exec", Namespace, "cat", "/proc/net/netstat").Split('\n');
        var (names, values) = (lines[0].Split(' '), lines[1].Split(' '));
        return long.Parse(values[Array.IndexOf(names, "TCPMD5Failure")], System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>Starts it again whenever it has ended, as systemd does.</summary>
    public Task SuperviseAsync(CancellationToken cancellationToken) => Task.Run(async () =>
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            if (_process.HasExited) Start();
            await Task.Delay(100, cancellationToken).ContinueWith(_ => { }, TaskScheduler.Current);
        }
    }, CancellationToken.None);

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
