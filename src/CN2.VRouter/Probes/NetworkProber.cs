using System.ComponentModel;
using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using CN2.Network.Resources;

namespace CN2.VRouter.Probes;

/// <summary>Probes from the node's network namespace: HTTP, TCP connect, ICMP echo. Every probe opens a new connection; redirects are not followed.</summary>
public sealed class NetworkProber : IProber, IDisposable
{
    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseProxy = false,
        UseCookies = false,
        PooledConnectionLifetime = TimeSpan.Zero,
        ActivityHeadersPropagator = null,
    });

    public async Task<ProbeResult> ProbeAsync(ProbeTarget target, CancellationToken cancellation)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(target.Timeout);
        try
        {
            return target.MonitorType switch
            {
                MonitorType.TCP => await ConnectAsync(target, timeout.Token),
                MonitorType.PING => await PingAsync(target, timeout.Token),
                _ => await GetAsync(target, timeout.Token),
            };
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new(false, string.Create(CultureInfo.InvariantCulture, $"no answer within {target.Timeout.TotalSeconds:0} s"));
        }
        // Without a socket of its own .NET starts the program ping: there is none, or it may not run.
        catch (Exception e) when (target.MonitorType == MonitorType.PING && (e is PlatformNotSupportedException || e.InnerException is Win32Exception and not SocketException))
        {
            return new(false, "a PING probe needs CAP_NET_RAW; give the agent that capability");
        }
        catch (Exception e) when (e is HttpRequestException or SocketException or PingException or IOException or UriFormatException or FormatException or NotSupportedException or ArgumentException)
        {
            return new(false, (e.InnerException ?? e).Message);
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<ProbeResult> GetAsync(ProbeTarget target, CancellationToken cancellation)
    {
        var host = target.Address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{target.Address}]" : target.Address.ToString();
        var port = target.Port == 0 ? 80 : target.Port;
        var path = target.UrlPath.StartsWith('/') ? target.UrlPath : "/" + target.UrlPath;
        using var request = new HttpRequestMessage(
            new HttpMethod(target.HttpMethod),
            new Uri(string.Create(CultureInfo.InvariantCulture, $"http://{host}:{port}{path}")));
        request.Headers.ConnectionClose = true;
        request.Headers.TryAddWithoutValidation("User-Agent", "cn2-vrouter");
        using var response = await _http.SendAsync(request, cancellation);
        var code = (int)response.StatusCode;
        return new(
            target.ExpectedCodes.Contains(code),
            string.Create(CultureInfo.InvariantCulture, $"HTTP {code}"));
    }

    private static async Task<ProbeResult> ConnectAsync(ProbeTarget target, CancellationToken cancellation)
    {
        using var socket = new Socket(target.Address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(new IPEndPoint(target.Address, target.Port), cancellation);
        return new(true, "connected");
    }

    private static async Task<ProbeResult> PingAsync(ProbeTarget target, CancellationToken cancellation)
    {
        using var ping = new Ping();
        var reply = await ping.SendPingAsync(target.Address, target.Timeout, cancellationToken: cancellation);
        return new(reply.Status == IPStatus.Success, reply.Status == IPStatus.Success ? "answered" : $"ping: {reply.Status}");
    }
}
