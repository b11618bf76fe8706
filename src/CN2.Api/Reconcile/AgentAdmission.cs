using System.Threading.Channels;
using CN2.Api.Data;
using CN2.Api.Drivers;
using CN2.Api.Options;
using Npgsql;

namespace CN2.Api.Reconcile;

/// <summary>
/// Asks the database whether an agent may connect, before it gets anything and before the loop hears of it: so a second agent of a name
/// disturbs nobody. What slips through is found by the <see cref="AgentRecorder"/>. Any thread.
/// </summary>
internal sealed partial class AgentAdmission(
    IAgentReportStore store, AgentRelocation relocation, ControlNodeOptions self, VRouterOptions options, TimeProvider time, ILogger<AgentAdmission> logger) : IVRouterAdmission
{
    /// <summary>The agent gets nothing before this is over, and clients may wait for the agent.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1.2);

    /// <summary>So long it is asked again about an agent that may have come over from another replica: that one writes within this time that the former stream has ended.</summary>
    private static readonly TimeSpan MovePatience = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan MoveInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>So long an agent with other servers waits here while this replica reads everything: it is often almost there, and a herd does not come back at once.</summary>
    private static readonly TimeSpan LoadPatience = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan LoadInterval = TimeSpan.FromMilliseconds(50);

    /// <summary>Many agents come at once after a restart; they must not take the connections of the control loop.</summary>
    private readonly Channel<bool> _turns = Turns(4);

    public async Task<AdmissionRefusal?> RefusalAsync(VRouterHello hello, VRouterHello? rival, CancellationToken cancellationToken)
    {
        for (var began = time.GetTimestamp(); hello.OtherServers is not null && !relocation.HasLoaded && time.GetElapsedTime(began) < LoadPatience;)
            await Task.Delay(LoadInterval, time, cancellationToken);
        if (relocation.RefusalOf(hello) is { } elsewhere) return new AdmissionRefusal(elsewhere, elsewhere) { IsElsewhere = true };
        using var patience = new CancellationTokenSource(Patience, time);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        var refusal = rival is null ? null : AgentConnection.Duplicate(hello.Name, rival.Source, self.Name);
        try
        {
            if (refusal is null) await JudgeAsync();
            for (var began = time.GetTimestamp(); refusal is { MayHaveMoved: true } && time.GetElapsedTime(began) < MovePatience;)
            {
                await Task.Delay(MoveInterval, time, timeout.Token);
                await JudgeAsync();
            }

            if (refusal is { Reason: AgentRefusalReason.DuplicateAgent or AgentRefusalReason.AddressTaken })
                await InTurnAsync(() => store.SaveIntruderAsync(hello, refusal, time.GetUtcNow(), timeout.Token), timeout.Token);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && (e is OperationCanceledException or NpgsqlException || PostgresErrors.IsAway(e)))
        {
            // Agents are served without the database, and the recorder asks again.
            LogNotAsked(hello.Name, e.Message);
        }

        return refusal is null ? null : new AdmissionRefusal(refusal.Message, refusal.Answer);

        Task JudgeAsync() => InTurnAsync(async () => refusal = await store.JudgeAsync(hello, self.Name, options.MaximumFromAgents, timeout.Token), timeout.Token);
    }

    private async Task InTurnAsync(Func<Task> ask, CancellationToken ct)
    {
        await _turns.Reader.ReadAsync(ct);
        try
        {
            await ask();
        }
        finally
        {
            _turns.Writer.TryWrite(true);
        }
    }

    private static Channel<bool> Turns(int count)
    {
        var turns = Channel.CreateBounded<bool>(count);
        for (var i = 0; i < count; i++) turns.Writer.TryWrite(true);
        return turns;
    }

    [LoggerMessage(EventId = 201, Level = LogLevel.Debug, Message = "The database could not be asked about agent {Name}: {Reason}")]
    private partial void LogNotAsked(string name, string reason);
}
