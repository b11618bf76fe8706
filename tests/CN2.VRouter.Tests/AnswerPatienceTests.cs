using CN2.VRouter.V1;

namespace CN2.VRouter.Tests;

/// <summary>How long an agent waits for servers that have taken its connection and have too much to do.</summary>
public sealed class AnswerPatienceTests
{
    [Fact]
    public void It_doubles_after_each_round_of_servers_that_did_not_answer_up_to_a_bound()
    {
        var patience = new AnswerPatience(servers: 2);
        Assert.Equal([1, 1, 2, 2, 4, 4, 4], Factors(patience, 7));
        patience.Ended(isUnanswered: false);
        Assert.Equal([1, 1, 2], Factors(patience, 3));
    }

    private static List<double> Factors(AnswerPatience patience, int attempts)
    {
        var factors = new List<double>();
        for (var i = 0; i < attempts; i++)
        {
            factors.Add(patience.Current / HeartbeatProtocol.Patience);
            patience.Ended(isUnanswered: true);
        }

        return factors;
    }
}
