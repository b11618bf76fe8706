using System.ComponentModel;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using CN2.VRouter.V1;

namespace CN2.VRouter.Probes;

/// <summary>
/// Tells the server whether another node still answers, of whose agent the server hears nothing (<see cref="WitnessQuestion"/>). A node is reached when it
/// answers one of three echo requests, or an attempt to connect by TCP, if only with a reset: that needs no privilege, and a firewall seldom drops both.
/// </summary>
internal sealed class NodeWitness
{
    /// <summary>So many questions are looked into at a time. One more stays without an answer, and the server asks somebody else.</summary>
    public const int MostQuestions = 16;

    /// <summary>The discard service (RFC 863): nobody listens there.</summary>
    private const int Port = 9;

    private const int Echoes = 3;

    /// <summary>An end that comes later than so many times what was asked for says that this process stood still.</summary>
    private const double MostLate = 1.25;

    private int _open;

    /// <summary>Answers the question later, by <paramref name="answer"/>.</summary>
    public void Ask(WitnessQuestion question, Action<AgentMessage> answer)
    {
        if (question.Address.Length is not (4 or 16)) return;
        if (Interlocked.Increment(ref _open) > MostQuestions)
        {
            Interlocked.Decrement(ref _open);
            return;
        }

        _ = AnswerAsync(question, answer);
    }

    private async Task AnswerAsync(WitnessQuestion question, Action<AgentMessage> answer)
    {
        try
        {
            var reached = await ReachesAsync(new IPAddress(question.Address.Span), TimeSpan.FromMilliseconds(Math.Min(question.WithinMilliseconds, 10_000)));
            if (reached is { } known) answer(new AgentMessage { WitnessAnswer = new WitnessAnswer { Number = question.Number, Reached = known } });
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }

    /// <summary>
    /// Whether the node answers within this time. Null: this node cannot tell, because it could send nothing, or because it did not run for so long that answers
    /// may lie here.
    /// </summary>
    internal static async Task<bool?> ReachesAsync(IPAddress node, TimeSpan within)
    {
        var began = TimeProvider.System.GetTimestamp();
        using var end = new CancellationTokenSource(within);
        // An echo request or its answer may be lost, so there are several, and each is waited for until the end.
        var attempts = Enumerable.Range(0, Echoes).Select(i => EchoAsync(node, i * within / Echoes, within, end.Token)).Append(ConnectAsync(node, end.Token)).ToList();
        bool? reached = null;
        while (attempts.Count > 0)
        {
            var done = await Task.WhenAny(attempts);
            attempts.Remove(done);
            if (await done is not { } answered) continue;
            reached = reached == true || answered;
            if (answered) await end.CancelAsync(); // the others end with it
        }

        return reached == false && TimeProvider.System.GetElapsedTime(began) > within * MostLate ? null : reached;
    }

    private static async Task<bool?> EchoAsync(IPAddress node, TimeSpan after, TimeSpan within, CancellationToken end)
    {
        var isSent = false;
        try
        {
            if (after > TimeSpan.Zero) await Task.Delay(after, end);
            using var ping = new Ping();
            isSent = true;
            return (await ping.SendPingAsync(node, within - after, cancellationToken: end)).Status == IPStatus.Success;
        }
        catch (OperationCanceledException)
        {
            return isSent ? false : null;
        }
        catch (Exception e) when (e is PingException or PlatformNotSupportedException or Win32Exception)
        {
            return null;
        }
    }

    private static async Task<bool?> ConnectAsync(IPAddress node, CancellationToken end)
    {
        try
        {
            using var socket = new Socket(node.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(new IPEndPoint(node, Port), end);
            return true;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode switch
            {
                SocketError.ConnectionRefused => true,
                SocketError.TimedOut or SocketError.HostUnreachable or SocketError.HostDown => false,
                _ => null, // nothing was sent: no route, a firewall of this node, no more file descriptors
            };
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
