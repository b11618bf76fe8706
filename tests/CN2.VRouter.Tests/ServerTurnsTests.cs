using Microsoft.Extensions.Time.Testing;

namespace CN2.VRouter.Tests;

/// <summary>Which server an agent tries next.</summary>
public sealed class ServerTurnsTests
{
    private static readonly Uri A = new("http://cn-a:8081");
    private static readonly Uri B = new("http://cn-b:8081");
    private static readonly Uri C = new("http://cn-c:8081");

    private readonly FakeTimeProvider _time = new();
    private readonly ServerTurns _turns;

    public ServerTurnsTests() => _turns = new ServerTurns([A, B, C], _time);

    [Fact]
    public void Servers_that_do_not_answer_are_tried_one_after_another() => Assert.Equal([A, B, C, A, B], Next(5));

    [Fact]
    public void When_a_server_ends_a_longer_stay_the_others_are_tried_from_the_first_one_on()
    {
        Next(2);
        _turns.Ended(ServerTurns.LongerStay, sentOn: false); // at B
        Assert.Equal([A, C, B, A], Next(4));
    }

    [Fact]
    public void Servers_that_are_up_and_of_no_use_do_not_keep_the_agent_from_the_one_that_is()
    {
        Next(1);
        _turns.Ended(ServerTurns.LongerStay, sentOn: false);
        Assert.Equal([B], Next(1));
        _turns.Ended(TimeSpan.FromSeconds(5), sentOn: false);
        Assert.Equal([C], Next(1));
    }

    [Fact]
    public void An_agent_that_is_sent_on_goes_to_its_first_server_and_says_that_it_stays_there()
    {
        Next(2);
        Assert.Equal((true, 0u), Said());
        _turns.Ended(TimeSpan.FromSeconds(5), sentOn: true); // at B
        Assert.Equal([A], Next(1));
        Assert.Equal((false, 600u), Said());
        _time.Advance(TimeSpan.FromSeconds(100));
        Assert.Equal((false, 500u), Said());
        _time.Advance(TimeSpan.FromSeconds(500));
        Assert.Equal((false, 0u), Said());
    }

    [Fact]
    public void An_agent_that_is_sent_on_and_on_stays_twice_as_long_each_time_and_a_day_at_most()
    {
        var stays = new List<uint>();
        for (var i = 0; i < 10; i++)
        {
            Next(1);
            _turns.Ended(TimeSpan.FromSeconds(5), sentOn: true);
            stays.Add(Said().Stays);
            _time.Advance(TimeSpan.FromSeconds(stays[^1]));
        }

        Assert.Equal([600, 1200, 2400, 4800, 9600, 19200, 38400, 76800, 86400, 86400], stays);
        _time.Advance(TimeSpan.FromDays(1));
        _turns.Ended(TimeSpan.FromSeconds(5), sentOn: true);
        Assert.Equal(600u, Said().Stays);
    }

    [Fact]
    public void An_agent_with_one_server_says_nothing_of_others()
    {
        var turns = new ServerTurns([A], _time);
        turns.Next();
        turns.Ended(ServerTurns.LongerStay, sentOn: false);
        Assert.Equal(A, turns.Next());
        Assert.Null(turns.Others);
    }

    private (bool Preferred, uint Stays) Said() => (_turns.Others!.Preferred, _turns.Others.StaysSeconds);

    private List<Uri> Next(int count) => [.. Enumerable.Range(0, count).Select(_ => _turns.Next())];
}
