using CN2.VRouter.V1;

namespace CN2.VRouter.Tests;

/// <summary>How long an agent waits for servers that have taken its connection and have too much to do.</summary>
public sealed class AnswerPatienceTests
{
    [Fact]
    public void It_doubles_after_each_round_of_servers_that_did_not_answer_up_to_a_bound()
    {
        Assert.Equal([1, 2, 4, 4], Factors(new AnswerPatience(servers: 1), 4));
        var patience = new AnswerPatience(servers: 2);
        Assert.Equal([0.5, 0.5, 1, 1, 2, 2, 4, 4, 4], Factors(patience, 9));
        patience.Ended(AttemptEnd.Answered);
        Assert.Equal([0.5, 0.5, 1], Factors(patience, 3));
    }

    [Fact]
    public void A_server_that_is_away_says_nothing_of_what_the_others_have_to_do()
    {
        var patience = new AnswerPatience(servers: 2);
        foreach (var end in new[] { AttemptEnd.Unanswered, AttemptEnd.NotReached, AttemptEnd.Unanswered, AttemptEnd.NotReached }) patience.Ended(end);
        Assert.Equal(HeartbeatProtocol.Patience, patience.Current);
    }

    private static List<double> Factors(AnswerPatience patience, int attempts)
    {
        var factors = new List<double>();
        for (var i = 0; i < attempts; i++)
        {
            factors.Add(patience.Current / HeartbeatProtocol.Patience);
            patience.Ended(AttemptEnd.Unanswered);
        }

        return factors;
    }
}
